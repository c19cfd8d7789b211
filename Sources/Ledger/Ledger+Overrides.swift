public import Metering
import Postgres
public import Quotas

/// An override that runs now.
public struct ListedOverride: Hashable, Sendable {
    public let id: Int64
    public let clinic: ClinicID
    /// nil when the clinic has none, or was deleted.
    public let subdomain: String?
    public let override: ClinicOverride
    /// µs since 1970-01-01 UTC.
    public let until: Int64
    public let reason: String
    public let createdBy: String
    /// µs since 1970-01-01 UTC.
    public let createdAt: Int64
}

extension Ledger {
    /// Gives a clinic a number of its own, in place of one of the same kind; returns the override's number.
    ///
    /// - Parameter until: µs since 1970-01-01 UTC, after the database's clock.
    public func setOverride(
        _ override: ClinicOverride, of clinic: ClinicID, until: Int64, reason: String
    ) async throws(LedgerError) -> Int64 {
        try Self.require(reason: reason)
        guard until > (try await databaseTime()) else {
            throw .outOfRange("an override ends after now")
        }
        return try await stored {
            try await pool.transaction { connection in
                let what = PostgresValue.text("\(override.what)")
                try await connection.execute(SQL.overrideReplace, [.clinic(clinic), what])
                let rows = try await connection.query(
                    SQL.overrideInsert,
                    [.clinic(clinic), what] + override.value.stored
                        + [.timestamp(until), .text(reason)])
                guard let row = rows.first else { throw LedgerError.corrupt("no new override") }
                return try row.int64("id")
            }
        }
    }

    /// Ends an override before its time; nil when it is unknown or over.
    public func endOverride(
        _ id: Int64, reason: String
    ) async throws(LedgerError) -> ClinicID? {
        try Self.require(reason: reason)
        return try await stored {
            try await pool.query(SQL.overrideEnd, [.int64(id), .text(reason)]).first?
                .clinic("clinic_id")
        }
    }

    /// Overrides that run now, by clinic and kind.
    ///
    /// - Parameter clinic: nil for all.
    public func overrides(of clinic: ClinicID? = nil) async throws(LedgerError) -> [ListedOverride]
    {
        try await stored {
            let only = clinic.map(PostgresValue.clinic) ?? .null
            return try await pool.query(SQL.overrideList, [only]).map(ListedOverride.init)
        }
    }

    /// Notes the overrides that are over, so that their clinics are renewed; returns how many.
    @discardableResult
    public func endOverdueOverrides() async throws(LedgerError) -> Int64 {
        try await stored { try await pool.query(SQL.overridesEndDue).first?.int64("ended") ?? 0 }
    }

    static func require(reason: String) throws(LedgerError) {
        guard (1...500).contains(reason.unicodeScalars.count), !reason.utf8.contains(0) else {
            throw .outOfRange("a reason has 1 to 500 characters")
        }
    }
}

extension ClinicOverride.Value {
    /// value, rate, per, burst.
    fileprivate var stored: [PostgresValue] {
        switch self {
        case .amount(let amount): [.int64(amount), .null, .null, .null]
        case .rate(let rate, let per, let burst): [.null, .int64(rate), .int64(per), .int64(burst)]
        case .isOn(let isOn): [.int64(isOn ? 1 : 0), .null, .null, .null]
        }
    }
}

extension ListedOverride {
    fileprivate init(_ row: PostgresRow) throws {
        let override = ClinicOverride(
            stored: try row.text("what"),
            amount: try row.optionalInt64("value") ?? row.int64("rate"),
            per: try row.optionalInt64("per") ?? 0, burst: try row.optionalInt64("burst") ?? 0)
        guard let override else { throw LedgerError.corrupt("an override that no version writes") }
        self.init(
            id: try row.int64("id"), clinic: try row.clinic("clinic_id"),
            subdomain: try row.optionalText("subdomain"), override: override,
            until: try row.timestamp("until"), reason: try row.text("reason"),
            createdBy: try row.text("created_by"), createdAt: try row.timestamp("created_at"))
    }
}
