public import Metering
import Postgres

/// What the database keeps within the plan: seats, patients and bytes of files.
public enum LimitCounter: String, CaseIterable, Sendable {
    case users, patients
    /// Bytes.
    case storage
}

/// Whether the database refuses what goes over a plan.
public struct LimitMode: Hashable, Sendable {
    public let isEnforced: Bool
    /// µs since 1970-01-01 UTC.
    public let changedAt: Int64
    public let changedBy: String
}

/// A clinic that holds more than its plan allows.
public struct ExceededLimit: Hashable, Sendable {
    public let clinic: ClinicID
    public let subdomain: String?
    public let counter: LimitCounter
    public let used: Int64
    public let limit: Int64
}

/// A counter that differed from the rows it counts. It was set to `counted`.
public struct CounterDrift: Hashable, Sendable {
    public let clinic: ClinicID
    public let counter: LimitCounter
    public let kept: Int64
    public let counted: Int64
}

extension Ledger {
    public func limitMode() async throws(LedgerError) -> LimitMode {
        try await stored {
            guard let row = try await pool.query(SQL.limitMode).first else {
                throw LedgerError.corrupt("no limit mode")
            }
            return LimitMode(
                isEnforced: try row.bool("enforced"), changedAt: try row.timestamp("changed_at"),
                changedBy: try row.text("changed_by"))
        }
    }

    /// Turns refusing on or off; false where it stood so already. Counting goes on in both.
    @discardableResult
    public func enforceLimits(_ isEnforced: Bool) async throws(LedgerError) -> Bool {
        try await stored { try await pool.execute(SQL.limitModeSet, [.bool(isEnforced)]) > 0 }
    }

    /// Clinics over their plan, by id, at most `most` entries: their next insert is refused.
    public func exceededLimits(most: Int = 1_000) async throws(LedgerError) -> [ExceededLimit] {
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

    /// Counts all rows of every clinic again and sets the counters right, 100 clinics at a time, each page
    /// in a transaction of its own. Hands out what was wrong, and how many clinics are done.
    ///
    /// - Returns: How many clinics were counted.
    @discardableResult
    public func recount(
        _ body: (_ drift: [CounterDrift], _ clinics: Int) throws -> Void = { _, _ in }
    ) async throws(LedgerError) -> Int {
        try await stored {
            var (last, done) = (ClinicID.lowest, 0)
            while true {
                let page = try await pool.query(
                    SQL.recountClinics, [.clinic(last), .count(Self.recountPage)]
                ).map { try $0.clinic("clinic_id") }
                guard let end = page.last else { break }
                let drift = try await pool.query(
                    SQL.recount, [.clinics(page)], timeout: .seconds(120)
                ).map(CounterDrift.init)
                (last, done) = (end, done + page.count)
                try body(drift, done)
            }
            return done
        }
    }

    /// Whether the last recount began more than a day ago.
    public func recountIsDue() async throws(LedgerError) -> Bool {
        try await stored { try await pool.query(SQL.recountDue).first?.bool("is_due") ?? false }
    }

    /// So many counters are locked at once: their inserts wait.
    private static let recountPage = 100
}

extension CounterDrift {
    fileprivate init(_ row: PostgresRow) throws {
        self.init(
            clinic: try row.clinic("clinic"), counter: try row.limitCounter("counter"),
            kept: try row.int64("kept"), counted: try row.int64("counted"))
    }
}

extension PostgresRow {
    fileprivate func limitCounter(_ column: PostgresColumn) throws -> LimitCounter {
        guard let counter = LimitCounter(rawValue: try text(column)) else {
            throw LedgerError.corrupt("a counter of another version")
        }
        return counter
    }
}
