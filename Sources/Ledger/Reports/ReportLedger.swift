public import Billing
public import Metering
import Postgres

/// Reports, each read from one view of the database.
public struct ReportLedger: LedgerFacet {
    let pool: PostgresPool

    /// Lends one view of the database, so that all parts of a report describe the same moment.
    ///
    /// What `body` throws ends the report and is passed on.
    public func read<Answer>(
        _ body: (ReportReader) async throws -> Answer
    ) async throws -> Answer {
        do {
            // Never run again: what was written of a report cannot be taken back.
            return try await pool.transaction(.repeatableRead, readOnly: true, retries: 0) {
                try await body(ReportReader(connection: $0))
            }
        } catch let error as PostgresError {
            throw LedgerError.store(error)
        }
    }

    /// Hands out one row for each clinic of a month, by subdomain, then id, in constant memory.
    /// - Parameter clinic: Only this one; nil for all that existed in the month.
    public func rows(
        of month: Month, clinic: ClinicID? = nil, _ body: (ReportRow) throws -> Void
    ) async throws {
        var selection = ReportSelection(month: month)
        selection.clinic = clinic
        try await read { reader in try await reader.rows(of: selection, ReportOrder(), body) }
    }

    /// How old the usage of a month is.
    public func age(of month: Month) async throws(LedgerError) -> ReportAge {
        try await stored {
            try ReportAge(try await pool.query(SQL.reportAge, [.month(month)]).first)
        }
    }

    /// The names of plans that a report can be narrowed to, by name; at most 1,000.
    public func planNames() async throws(LedgerError) -> [String] {
        try await values("plan")
    }

    /// The values that `payment_status` holds at present, in order; at most 1,000.
    public func statuses() async throws(LedgerError) -> [String] {
        try await values("status")
    }

    private func values(_ kind: String) async throws(LedgerError) -> [String] {
        try await stored {
            try await pool.query(
                SQL.reportValues, [.text(kind), .count(1_000)],
                timeout: ReportReader.timeout
            ).map { try $0.text("value") }
        }
    }
}
