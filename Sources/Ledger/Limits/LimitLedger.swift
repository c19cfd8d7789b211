import Postgres

/// The limits that the database enforces, and the counters that it keeps for them.
public struct LimitLedger: LedgerFacet {
    let pool: PostgresPool

    public func mode() async throws(LedgerError) -> LimitMode {
        try await stored {
            guard let row = try await pool.query(SQL.limitMode).first else {
                throw LedgerError.corrupt("no limit mode")
            }
            return LimitMode(
                isEnforced: try row.bool("enforced"), changedAt: try row.timestamp("changed_at"),
                changedBy: try row.text("changed_by"))
        }
    }

    /// Turns refusing on or off; false when nothing changed. The database counts in both modes.
    @discardableResult
    public func enforce(_ isEnforced: Bool) async throws(LedgerError) -> Bool {
        try await stored { try await pool.execute(SQL.limitModeSet, [.bool(isEnforced)]) > 0 }
    }

    /// Clinics over their plan, by id, at most `most` entries: their next insert is refused.
    public func exceeded(most: Int = 1_000) async throws(LedgerError) -> [ExceededLimit] {
        try await stored {
            try await pool.query(SQL.limitsExceeded, [.count(most)]).map { row in
                ExceededLimit(
                    clinic: try row.clinic("clinic_id"),
                    subdomain: try row.optionalText("subdomain"),
                    counter: try row.limitCounter("counter"), used: try row.int64("used"),
                    limit: try row.int64("most"))
            }
        }
    }

    /// How many clinics have no plan, and so no limit.
    public func clinicsWithoutPlan() async throws(LedgerError) -> Int64 {
        try await stored { try await pool.query(SQL.limitsUnlimited).first?.int64("clinics") ?? 0 }
    }

    /// Seats that are reserved now.
    public func reservedSeats() async throws(LedgerError) -> ReservedSeats {
        try await stored {
            let row = try await pool.query(SQL.limitsReserved).first
            return ReservedSeats(
                seats: try row?.int64("seats") ?? 0, clinics: try row?.int64("clinics") ?? 0)
        }
    }
}
