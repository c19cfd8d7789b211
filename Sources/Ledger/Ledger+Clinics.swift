public import Metering
import Postgres

extension Ledger {
    /// Where to ask for changes from. Take it before settings are read, and no change is missed.
    public func configCursor() async throws(LedgerError) -> ConfigCursor {
        try await stored {
            let row = try await pool.query(SQL.configHorizon).first
            return ConfigCursor(floor: try row?.transaction("horizon") ?? 0, place: nil)
        }
    }

    /// Clinics whose config version rose since `cursor`, at most `limit` of them.
    ///
    /// Transactions commit in another order than they get their ids, so a pass ends at the lowest id
    /// that was still open when it began, and the next pass reads again from there.
    public func changedClinics(
        since cursor: ConfigCursor, limit: Int = 1_000
    ) async throws(LedgerError) -> ConfigChanges {
        try await stored {
            // The first question of a pass has no clinic: it starts just below the floor.
            let start =
                cursor.place.map { ($0.transaction, $0.clinic) }
                ?? (cursor.floor == 0 ? 0 : cursor.floor - 1, ClinicID.highest)
            let rows = try await pool.query(
                SQL.configChanges,
                [.text("\(start.0)"), .clinic(start.1), .count(max(1, limit))])
            guard let horizon = try rows.first?.transaction("horizon") else {
                throw LedgerError.corrupt("no transaction horizon")
            }
            // Ids fell: this is another life of the database, restored from a dump or a replica.
            if cursor.floor > horizon {
                return ConfigChanges(
                    clinics: [], cursor: ConfigCursor(floor: 0, place: nil), isComplete: false)
            }
            return try Self.changes(in: rows, limit: limit, cursor: cursor, horizon: horizon)
        }
    }

    private static func changes(
        in rows: [PostgresRow], limit: Int, cursor: ConfigCursor, horizon: UInt64
    ) throws -> ConfigChanges {
        let nextFloor = cursor.place?.nextFloor ?? horizon
        let named = try rows.filter { try !$0.isNull("clinic_id") }
        let changes = try named.map { row in
            ConfigChanges.Change(
                clinic: try row.clinic("clinic_id"), version: try row.int64("config_version"))
        }
        guard named.count >= limit, let last = named.last else {
            return ConfigChanges(
                clinics: changes, cursor: ConfigCursor(floor: nextFloor, place: nil),
                isComplete: true)
        }
        let place = ConfigCursor.Place(
            transaction: try last.transaction("changed_xid"), clinic: try last.clinic("clinic_id"),
            nextFloor: nextFloor)
        return ConfigChanges(
            clinics: changes, cursor: ConfigCursor(floor: cursor.floor, place: place),
            isComplete: false)
    }

    /// Every clinic that ever was, in order of its id, also deleted ones: whose counts Redis may hold.
    ///
    /// - Parameter last: The last clinic of the page before; nil for the first page.
    public func knownClinics(
        after last: ClinicID? = nil, limit: Int = 1_000
    ) async throws(LedgerError) -> [ClinicID] {
        try await stored {
            let rows = try await pool.query(
                SQL.clinicsKnown, [.clinic(last ?? .lowest), .count(limit)])
            return try rows.map { try $0.clinic("clinic_id") }
        }
    }

    /// The clinic with this id or, failing that, this subdomain.
    public func clinic(named name: String) async throws(LedgerError) -> ClinicID {
        try await stored {
            if let clinic = ClinicID(name),
                !(try await pool.query(SQL.clinicById, [.clinic(clinic)])).isEmpty
            {
                return clinic
            }
            guard let row = try await pool.query(SQL.clinicBySubdomain, [.text(name)]).first else {
                throw LedgerError.unknownClinic(name)
            }
            return try row.clinic("clinic_id")
        }
    }
}

extension PostgresFields {
    /// An `xid8`, which is unsigned and read as text.
    func transaction(_ column: PostgresColumn) throws -> UInt64 {
        guard let id = UInt64(try text(column)) else {
            throw LedgerError.corrupt("a transaction id that is no number")
        }
        return id
    }
}

extension ClinicID {
    /// The highest one, above which no page starts.
    static let highest = ClinicID(high: .max, low: .max)
}
