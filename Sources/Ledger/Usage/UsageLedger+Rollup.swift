public import Metering
import Postgres

extension UsageLedger {
    /// The months to roll up: every open one whose ledger may hold more than api_usage, and the
    /// current one, whose storage may have changed without a call.
    public func dueMonths() async throws(LedgerError) -> [Month] {
        let current = try await currentMonth()
        return try await stored {
            let due = try await pool.query(SQL.rollupDueMonths).map { try $0.month("month") }
            return (due.contains(current) ? due : due + [current]).sorted()
        }
    }

    /// Sets api_usage of a month to the ledger, only where it differs.
    ///
    /// Each of the 64 buckets is its own transaction: locked, then summed, then written. Run twice,
    /// late, or two at once, the same rows result, and the last run writes none. A bucket that
    /// fails does not hold up the others: its error is thrown when they are done.
    /// - Parameters:
    ///   - onlyDue: Leave out buckets that nothing was written to since their last roll-up.
    ///   - atOnce: How many buckets are written side by side, each over a connection of its own.
    public func rollUp(
        _ month: Month, onlyDue: Bool = false, atOnce: Int = 1
    ) async throws(LedgerError) -> MonthRollup {
        try await stored {
            if !onlyDue { try await pool.execute(SQL.rollupMonthInsert, [.month(month)]) }
            return try await rollUp(
                try await buckets(of: month, onlyDue: onlyDue), of: month, atOnce: atOnce)
        }
    }

    /// Rolls up the buckets of every month that were written to since their last roll-up: what a
    /// running worker repeats. Months without such a bucket are not named. The first error of a
    /// bucket is thrown when all others are done.
    public func rollUpDue() async throws(LedgerError) -> [MonthRollup] {
        try await stored {
            var rollups: [MonthRollup] = []
            var failures = RollupFailures()
            for row in try await pool.query(SQL.rollupDueMonths) {
                do {
                    rollups.append(try await rollUp(row.month("month"), onlyDue: true))
                } catch {
                    try failures.note(error)
                }
            }
            try failures.end()
            return rollups
        }
    }

    /// The calendar month by the clock of the database.
    public func currentMonth() async throws(LedgerError) -> Month {
        guard let month = Month(containing: try await OperationsLedger(pool: pool).databaseTime())
        else {
            throw .corrupt("a clock outside 1970…9999")
        }
        return month
    }

    /// Makes the month tables up to `ahead` months from now; returns how many are new.
    ///
    /// - Parameter ahead: 0 to 36.
    @discardableResult
    public func prepareMonths(ahead: Int = 3) async throws(LedgerError) -> Int64 {
        guard (0...36).contains(ahead) else { throw .outOfRange("months ahead are 0 to 36") }
        return try await stored {
            try await pool.query(SQL.monthPartitionsEnsure, [.count(ahead)]).first?.int64("made")
                ?? 0
        }
    }
}

// MARK: One bucket

extension UsageLedger {
    /// A bucket of a big database is summed in well under this.
    static let bucketTimeout: Duration = .seconds(60)

    /// The last comes first: checkpoints lock rising buckets, so each of them meets the roll-up
    /// once and then finds it behind. Side by side in one direction a checkpoint would wait for
    /// every bucket that is left.
    private func buckets(of month: Month, onlyDue: Bool) async throws -> [Int64] {
        try await pool.query(SQL.rollupBuckets, [.month(month)])
            .filter { try $0.bool("due") || !onlyDue }.map { try $0.int64("bucket") }.reversed()
    }

    private func rollUp(
        _ buckets: [Int64], of month: Month, atOnce: Int
    ) async throws -> MonthRollup {
        var rollup = MonthRollup(month: month)
        var failures = RollupFailures()
        try await withThrowingTaskGroup(of: Result<MonthRollup, any Error>.self) { group in
            func take() async throws {
                switch try await group.next() {
                case .success(let part): rollup += part
                case .failure(let error): try failures.note(error)
                case nil: break
                }
            }
            for (place, bucket) in buckets.enumerated() {
                if place >= atOnce { try await take() }
                group.addTask {
                    do { return .success(try await self.rollUp(bucket, of: month)) } catch {
                        return .failure(error)
                    }
                }
            }
            for _ in 0..<min(atOnce, buckets.count) { try await take() }
        }
        try failures.end()
        return rollup
    }

    /// A clinic that is deleted between the sum and the write fails its foreign key once, and one
    /// that another month takes over at this moment the key of the take-over; the next attempt does
    /// not see it.
    private func rollUp(_ bucket: Int64, of month: Month) async throws -> MonthRollup {
        var rollup = MonthRollup(month: month)
        var attempts = 0
        while true {
            do {
                guard let row = try await writeBucket(bucket, of: month) else {
                    rollup.closedBuckets = 1
                    return rollup
                }
                rollup.examined = try row.int64("examined")
                rollup.written = try row.int64("written")
                rollup.ownerless = try row.int64("ownerless")
                rollup.tooLarge = try row.int64("too_large")
                return rollup
            } catch PostgresError.server(let error)
                where [.foreignKeyViolation, .uniqueViolation].contains(error.sqlState)
                && attempts < 5
            {
                attempts += 1
            } catch PostgresError.commitUnknown where attempts < 5 {
                attempts += 1
            }
        }
    }

    /// Locks in one statement and sums in the next, whose snapshot is taken after the lock.
    private func writeBucket(_ bucket: Int64, of month: Month) async throws -> PostgresRow? {
        let place: [PostgresValue] = [.month(month), .int64(bucket)]
        return try await pool.transaction(.readCommitted) { connection in
            let held = try await connection.query(SQL.rollupBucketLock, place)
            switch try held.first?.text("state") {
            case "closed", "imported": return nil
            default: break
            }
            try await connection.execute(
                SQL.rollupTakeOver, place, timeout: Self.bucketTimeout)
            return try await connection.query(
                SQL.rollupBucketWrite, place, timeout: Self.bucketTimeout
            ).first
        }
    }
}
