public import Metering
import Postgres

extension UsageLedger {
    /// What `rollUp` would change now. Writes nothing and locks nothing.
    ///
    /// - Parameter change: Takes each row that differs, one at a time; what it throws ends the
    ///   preview.
    public func previewRollUp(
        _ month: Month, change: (UsageChange) async throws -> Void = { _ in }
    ) async throws -> MonthRollup {
        var rollup = MonthRollup(month: month)
        let states: [Int64: String] = try await stored { try await bucketStates(of: month) }
        for bucket in Int64(0)..<64 {
            guard states[bucket] != "closed", states[bucket] != "imported" else {
                rollup.closedBuckets += 1
                continue
            }
            try await preview(bucket, into: &rollup, change: change)
        }
        return rollup
    }

    private func bucketStates(of month: Month) async throws -> [Int64: String] {
        let rows = try await pool.query(SQL.rollupBuckets, [.month(month)])
        let states = try rows.map { (try $0.int64("bucket"), try $0.text("state")) }
        return Dictionary(states, uniquingKeysWith: { first, _ in first })
    }

    private func preview(
        _ bucket: Int64, into rollup: inout MonthRollup,
        change: (UsageChange) async throws -> Void
    ) async throws {
        let month = rollup.month
        // Read whole: a bucket is a sixty-fourth of the clinics, and the caller may be slow.
        let rows = try await stored {
            try await pool.transaction(readOnly: true) { connection in
                try await connection.execute(SQL.rollupByIndex)
                return try await connection.query(
                    SQL.rollupBucketPreview, [.month(month), .int64(bucket)],
                    rowsMax: 1_000_000, timeout: Self.bucketTimeout)
            }
        }
        for row in rows {
            rollup.examined += 1
            guard try row.bool("is_known") else {
                rollup.ownerless += 1
                continue
            }
            if try row.bool("too_large") { rollup.tooLarge += 1 }
            guard try row.bool("differs") else { continue }
            rollup.written += 1
            try await change(UsageChange(row, month: month))
        }
    }
}
