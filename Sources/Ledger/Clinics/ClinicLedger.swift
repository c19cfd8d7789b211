public import Metering
import Postgres

/// Clinics by name, and the terms on which each may call.
public struct ClinicLedger: LedgerFacet {
    let pool: PostgresPool

    /// Where to read changes from. A caller that takes it before it reads terms misses no change.
    public func cursor() async throws(LedgerError) -> TermsCursor {
        try await stored {
            let row = try await pool.query(SQL.configHorizon).first
            return TermsCursor(floor: try row?.transaction("horizon") ?? 0, place: nil)
        }
    }

    /// Clinics whose config version rose since `cursor`, at most `limit` of them.
    ///
    /// Transactions commit in another order than they get their ids, so a pass ends at the lowest
    /// id that was still open when it started, and the next pass reads again from there.
    public func changes(
        since cursor: TermsCursor, limit: Int = 1_000
    ) async throws(LedgerError) -> TermsChanges {
        try await stored {
            // The first query of a pass has no clinic: it starts just below the floor.
            let start =
                cursor.place.map { ($0.transaction, $0.clinic) }
                ?? (cursor.floor == 0 ? 0 : cursor.floor - 1, ClinicID.highest)
            let rows = try await pool.query(
                SQL.configChanges,
                [.text("\(start.0)"), .clinic(start.1), .count(max(1, limit))])
            guard let horizon = try rows.first?.transaction("horizon") else {
                throw LedgerError.corrupt("no transaction horizon")
            }
            // Ids fell: the database was restored from a dump or a replica.
            if cursor.floor > horizon {
                return TermsChanges(
                    clinics: [], cursor: TermsCursor(floor: 0, place: nil), isComplete: false)
            }
            return try Self.changes(in: rows, limit: limit, cursor: cursor, horizon: horizon)
        }
    }

    private static func changes(
        in rows: [PostgresRow], limit: Int, cursor: TermsCursor, horizon: UInt64
    ) throws -> TermsChanges {
        let nextFloor = cursor.place?.nextFloor ?? horizon
        let named = try rows.filter { try !$0.isNull("clinic_id") }
        let changes = try named.map { row in
            TermsChanges.Change(
                clinic: try row.clinic("clinic_id"), version: try row.int64("config_version"))
        }
        guard named.count >= limit, let last = named.last else {
            return TermsChanges(
                clinics: changes, cursor: TermsCursor(floor: nextFloor, place: nil),
                isComplete: true)
        }
        let place = TermsCursor.Place(
            transaction: try last.transaction("changed_xid"), clinic: try last.clinic("clinic_id"),
            nextFloor: nextFloor)
        return TermsChanges(
            clinics: changes, cursor: TermsCursor(floor: cursor.floor, place: place),
            isComplete: false)
    }

    /// Every clinic that ever existed, by id. Deleted ones are included, because Redis may hold
    /// counts of them.
    ///
    /// - Parameter last: The last clinic of the batch before; nil for the first batch.
    public func known(
        after last: ClinicID? = nil, limit: Int = 1_000
    ) async throws(LedgerError) -> [ClinicID] {
        try await stored {
            let rows = try await pool.query(
                SQL.clinicsKnown, [.clinic(last ?? .lowest), .count(limit)])
            return try rows.map { try $0.clinic("clinic_id") }
        }
    }

    /// The clinic with this id or, failing that, this subdomain.
    public func find(named name: String) async throws(LedgerError) -> ClinicID {
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
