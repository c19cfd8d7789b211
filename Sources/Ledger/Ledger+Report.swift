public import Billing
public import Metering
import Postgres

extension Ledger {
    /// Lends one view of the database, so that all parts of a report speak of the same moment.
    ///
    /// What `body` throws ends the report and is passed on.
    public func readReport<Answer>(
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
    public func report(
        _ month: Month, clinic: ClinicID? = nil, _ body: (ReportRow) throws -> Void
    ) async throws {
        var selection = ReportSelection(month: month)
        selection.clinic = clinic
        try await readReport { reader in try await reader.rows(of: selection, ReportOrder(), body) }
    }

    /// How old the usage of a month is.
    public func reportAge(of month: Month) async throws(LedgerError) -> ReportAge {
        try await stored {
            try ReportAge(try await pool.query(SQL.reportAge, [.month(month)]).first)
        }
    }

    /// The names of plans that a report can be narrowed to, by name; at most 1,000.
    public func planNames() async throws(LedgerError) -> [String] {
        try await words("plan")
    }

    /// The words that `payment_status` holds at present, by word; at most 1,000.
    public func statusWords() async throws(LedgerError) -> [String] {
        try await words("status")
    }

    private func words(_ kind: String) async throws(LedgerError) -> [String] {
        try await stored {
            try await pool.query(
                SQL.reportWords, [.text(kind), .count(1_000)],
                timeout: ReportReader.timeout
            ).map { try $0.text("word") }
        }
    }
}

extension ReportAge {
    init(_ row: PostgresRow?) throws {
        guard let row, let madeAt = UTCTime(microseconds: try row.timestamp("made_at"))
        else { throw LedgerError.corrupt("a clock outside 1970…9999") }
        let asOf = try row.optionalTimestamp("as_of").flatMap(UTCTime.init(microseconds:))
        self.init(asOf: asOf, madeAt: madeAt)
    }
}
