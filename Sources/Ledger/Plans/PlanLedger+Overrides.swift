public import Metering
import Postgres
public import Quotas

extension PlanLedger {
    /// Gives a clinic a number of its own, which replaces an override of the same kind. Returns the
    /// override's id.
    ///
    /// - Parameter until: µs since 1970-01-01 UTC, after the database's clock.
    public func setOverride(
        _ override: ClinicOverride, of clinic: ClinicID, until: Int64, reason: String
    ) async throws(LedgerError) -> Int64 {
        try Self.require(reason: reason)
        guard until > (try await OperationsLedger(pool: pool).databaseTime()) else {
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

    /// Marks the overrides that have ended, so that their clinics are renewed; returns how many.
    @discardableResult
    public func endOverdueOverrides() async throws(LedgerError) -> Int64 {
        try await stored { try await pool.query(SQL.overridesEndDue).first?.int64("ended") ?? 0 }
    }
}
