public import Metering
import Postgres

extension Ledger {
    /// The months to roll up: every open one whose ledger may hold more than api_usage, and the
    /// current one, whose storage is measured.
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
    /// late, or two at once, the same rows result, and the last run writes none.
    /// - Parameter onlyDue: Leave out buckets that nothing was written to since their last roll-up.
    public func rollUp(
        _ month: Month, onlyDue: Bool = false
    ) async throws(LedgerError) -> MonthRollup {
        let current = try await currentMonth()
        return try await stored {
            if !onlyDue { try await pool.execute(SQL.rollupMonthInsert, [.month(month)]) }
            var rollup = MonthRollup(month: month)
            for bucket in try await buckets(of: month, onlyDue: onlyDue) {
                try await rollUp(bucket, storage: month == current, into: &rollup)
            }
            return rollup
        }
    }

    /// Rolls up the buckets of every month that were written to since their last roll-up: what a
    /// running worker repeats. Months without such a bucket are not named.
    public func rollUpDue() async throws(LedgerError) -> [MonthRollup] {
        let due: [Month] = try await stored {
            try await pool.query(SQL.rollupDueMonths).map { try $0.month("month") }
        }
        var rollups: [MonthRollup] = []
        for month in due { rollups.append(try await rollUp(month, onlyDue: true)) }
        return rollups
    }

    /// What `rollUp` would change now. Writes nothing and locks nothing.
    ///
    /// - Parameter change: Takes each row that differs, one at a time; what it throws ends the preview.
    public func previewRollUp(
        _ month: Month, change: (UsageChange) async throws -> Void = { _ in }
    ) async throws -> MonthRollup {
        let current = try await currentMonth()
        var rollup = MonthRollup(month: month)
        let states: [Int64: String] = try await stored { try await bucketStates(of: month) }
        for bucket in Int64(0)..<64 {
            guard states[bucket] != "closed" else {
                rollup.closedBuckets += 1
                continue
            }
            try await preview(bucket, storage: month == current, into: &rollup, change: change)
        }
        return rollup
    }

    /// The calendar month by the clock of the database.
    public func currentMonth() async throws(LedgerError) -> Month {
        guard let month = Month(containing: try await databaseTime()) else {
            throw .corrupt("a clock outside 1970…9999")
        }
        return month
    }
}

// MARK: One bucket

extension Ledger {
    /// A bucket of a big database is summed in well under this.
    private static let bucketTimeout: Duration = .seconds(60)

    private func buckets(of month: Month, onlyDue: Bool) async throws -> [Int64] {
        try await pool.query(SQL.rollupBuckets, [.month(month)])
            .filter { try $0.bool("due") || !onlyDue }.map { try $0.int64("bucket") }
    }

    private func bucketStates(of month: Month) async throws -> [Int64: String] {
        let rows = try await pool.query(SQL.rollupBuckets, [.month(month)])
        let states = try rows.map { (try $0.int64("bucket"), try $0.text("state")) }
        return Dictionary(states, uniquingKeysWith: { first, _ in first })
    }

    /// A clinic that is deleted between the sum and the write fails its foreign key once; the next
    /// attempt does not see it.
    private func rollUp(
        _ bucket: Int64, storage: Bool, into rollup: inout MonthRollup
    ) async throws {
        let month = rollup.month
        var attempts = 0
        while true {
            do {
                guard let row = try await writeBucket(bucket, of: month, storage: storage) else {
                    rollup.closedBuckets += 1
                    return
                }
                rollup.examined += try row.int64("examined")
                rollup.written += try row.int64("written")
                rollup.ownerless += try row.int64("ownerless")
                return
            } catch PostgresError.server(let error)
                where error.sqlState == .foreignKeyViolation && attempts < 5
            {
                attempts += 1
            } catch PostgresError.commitUnknown where attempts < 5 {
                attempts += 1
            }
        }
    }

    /// Locks in one statement and sums in the next, whose snapshot is taken after the lock.
    private func writeBucket(
        _ bucket: Int64, of month: Month, storage: Bool
    ) async throws -> PostgresRow? {
        let place: [PostgresValue] = [.month(month), .int64(bucket)]
        return try await pool.transaction(.readCommitted) { connection in
            let held = try await connection.query(SQL.rollupBucketLock, place)
            guard try held.first?.text("state") != "closed" else { return nil }
            return try await connection.query(
                SQL.rollupBucketWrite, place + [.bool(storage)], timeout: Self.bucketTimeout
            ).first
        }
    }

    private func preview(
        _ bucket: Int64, storage: Bool, into rollup: inout MonthRollup,
        change: (UsageChange) async throws -> Void
    ) async throws {
        let month = rollup.month
        // Read whole: a bucket is a sixty-fourth of the clinics, and the caller may be slow.
        let rows = try await stored {
            try await pool.query(
                SQL.rollupBucketPreview, [.month(month), .int64(bucket), .bool(storage)],
                rowsMax: 1_000_000, timeout: Self.bucketTimeout)
        }
        for row in rows {
            rollup.examined += 1
            guard try row.bool("is_known") else {
                rollup.ownerless += 1
                continue
            }
            guard try row.bool("differs") else { continue }
            rollup.written += 1
            try await change(UsageChange(row, month: month))
        }
    }
}

extension UsageChange {
    fileprivate init(_ row: PostgresRow, month: Month) throws {
        var before: Usage?
        if let calls = try row.optionalInt64("calls_before") {
            before = Usage(apiCalls: calls, storageUsed: try row.int64("storage_before"))
        }
        let after = Usage(
            apiCalls: try row.int64("calls_after"), storageUsed: try row.int64("storage_after"))
        self.init(
            month: month, clinic: try row.clinic("clinic_id"), before: before, after: after)
    }
}
