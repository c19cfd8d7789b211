public import Metering
import Postgres

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

/// Seats that are kept free for people who were invited.
public struct ReservedSeats: Hashable, Sendable {
    public let seats: Int64
    public let clinics: Int64
}

/// How a count of all rows went.
public struct RecountOutcome: Hashable, Sendable {
    public var clinics = 0
    /// Clinics left as they were, because another transaction held their counter for ten seconds.
    public var skipped = 0

    public init(clinics: Int = 0, skipped: Int = 0) {
        (self.clinics, self.skipped) = (clinics, skipped)
    }
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

    /// Seats that are reserved now.
    public func reservedSeats() async throws(LedgerError) -> ReservedSeats {
        try await stored {
            let row = try await pool.query(SQL.limitsReserved).first
            return ReservedSeats(
                seats: try row?.int64("seats") ?? 0, clinics: try row?.int64("clinics") ?? 0)
        }
    }

    /// Counts all rows of every clinic again and sets the counters right, each clinic in a transaction of its
    /// own: whoever holds one counter and waits for nothing else is in nobody's way.
    ///
    /// - Parameters:
    ///   - rests: After each clinic nothing is counted for so many times as long as it took, so that the database
    ///     has time for others; 9 leaves them nine tenths of it.
    ///   - body: Gets what was wrong with a clinic, and how far the count is.
    @discardableResult
    public func recount(
        rests: Int = 0,
        _ body: (_ drift: [CounterDrift], _ progress: RecountOutcome) throws -> Void = { _, _ in }
    ) async throws(LedgerError) -> RecountOutcome {
        try await stored {
            var (last, outcome) = (ClinicID.lowest, RecountOutcome())
            while true {
                let page = try await pool.query(
                    SQL.recountClinics, [.clinic(last), .count(Self.recountPage)]
                ).map { try $0.clinic("clinic_id") }
                guard let end = page.last else { break }
                for clinic in page {
                    let begun = ContinuousClock.now
                    let drift = try await recount(clinic)
                    outcome.clinics += 1
                    outcome.skipped += drift == nil ? 1 : 0
                    try body(drift ?? [], outcome)
                    // Waiting for a counter that somebody holds is no work to rest from.
                    if rests > 0, drift != nil {
                        try await Task.sleep(for: (.now - begun) * rests)
                    }
                }
                last = end
            }
            return outcome
        }
    }

    /// Nil when another transaction held the counter for too long.
    private func recount(_ clinic: ClinicID) async throws -> [CounterDrift]? {
        do {
            return try await pool.query(
                SQL.recountCounters, [.clinics([clinic])], timeout: .seconds(120)
            ).map(CounterDrift.init)
        } catch PostgresError.server(let error) where error.sqlState == .lockNotAvailable {
            return nil
        }
    }

    /// Whether the last recount began more than a day ago.
    public func recountIsDue() async throws(LedgerError) -> Bool {
        try await stored { try await pool.query(SQL.recountDue).first?.bool("is_due") ?? false }
    }

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
