public import Metering
import Postgres

/// Usage in PostgreSQL: checkpoints, corrections, and the month totals that roll-ups make of them.
public struct UsageLedger: LedgerFacet {
    let pool: PostgresPool

    /// Raises checkpoints to what Redis counted.
    ///
    /// Rows may come twice, late and in any order: the result is the same. A row that the database
    /// refuses is found by halving the batch and quarantined, so it never holds up the others.
    /// A failure leaves the batches before it written; repeating all of them is harmless.
    public func checkpoint(
        _ rows: [UsageCheckpoint]
    ) async throws(LedgerError) -> CheckpointOutcome {
        try await stored {
            let merged = UsageCheckpoint.merged(rows)
            var outcome = CheckpointOutcome()
            for start in stride(from: 0, to: merged.count, by: Self.batchMax) {
                let end = min(start + Self.batchMax, merged.count)
                try await write(merged[start..<end], into: &outcome)
            }
            return outcome
        }
    }

    /// The rows that the ledger holds at least as high, in the order of `rows`. Redis may forget
    /// these.
    public func confirmed(
        _ rows: [UsageCheckpoint]
    ) async throws(LedgerError) -> [UsageCheckpoint] {
        try await stored {
            var held: [UsageCheckpoint] = []
            for start in stride(from: 0, to: rows.count, by: Self.batchMax) {
                let slice = rows[start..<min(start + Self.batchMax, rows.count)]
                let found = try await pool.query(
                    SQL.usageCheckpointConfirmed, CheckpointBatch(rows: slice).counts)
                for row in found {
                    let place = slice.startIndex + Int(try row.int64("place")) - 1
                    guard slice.indices.contains(place) else {
                        throw LedgerError.corrupt("a place outside the question")
                    }
                    held.append(slice[place])
                }
            }
            return held
        }
    }

    /// The counts that the ledger holds of these keys; one that it does not know is absent.
    ///
    /// - Parameter keys: At most 10,000, each once.
    public func held(
        _ keys: [UsageCheckpoint.Key]
    ) async throws(LedgerError) -> [UsageCheckpoint.Key: (used: Int64, credited: Int64)] {
        guard keys.count <= 10_000 else {
            throw .outOfRange("at most 10,000 counts can be read at once")
        }
        return try await stored {
            let rows = try await pool.query(
                SQL.usageCheckpointHeld,
                [
                    .months(keys.map(\.month)), .clinics(keys.map(\.clinic)),
                    .int64Array(keys.map(\.epoch.bitPattern)),
                ])
            var held: [UsageCheckpoint.Key: (used: Int64, credited: Int64)] = [:]
            for row in rows {
                let place = Int(try row.int64("place")) - 1
                guard keys.indices.contains(place) else {
                    throw LedgerError.corrupt("a place outside the question")
                }
                held[keys[place]] = (try row.int64("used"), try row.int64("credited"))
            }
            return held
        }
    }

    /// Keeps a checkpoint that must not count, with the reason.
    public func quarantine(
        _ row: UsageCheckpoint, reason: String
    ) async throws(LedgerError) {
        try await quarantine([row], reason: reason)
    }

    /// Keeps checkpoints that must not count, with the reason: one row for each month, clinic,
    /// epoch and reason, which holds the highest counts and how often they came.
    public func quarantine(
        _ rows: [UsageCheckpoint], reason: String
    ) async throws(LedgerError) {
        try await stored {
            for start in stride(from: 0, to: rows.count, by: Self.batchMax) {
                let slice = rows[start..<min(start + Self.batchMax, rows.count)]
                try await pool.execute(
                    SQL.quarantineUpsert, CheckpointBatch(rows: slice).refused(because: reason))
            }
        }
    }

    /// Rows of one transaction: arrays of this size cost about a megabyte on the wire.
    static let batchMax = 5_000
}

// MARK: One batch

extension UsageLedger {
    private func write(
        _ rows: ArraySlice<UsageCheckpoint>, into outcome: inout CheckpointOutcome
    ) async throws {
        do {
            outcome.written += try await commit(CheckpointBatch(rows: rows))
            outcome.confirmed += rows
        } catch PostgresError.server(let refusal) where refusal.sqlState.isData {
            guard rows.count > 1 else {
                let rule = refusal.constraint.map { " \($0)" } ?? ""
                for row in rows {
                    let reason = "\(refusal.sqlState)\(rule)"
                    try await quarantine(row, reason: reason)
                    outcome.quarantined.append(.init(checkpoint: row, reason: reason))
                }
                return
            }
            let middle = rows.startIndex + rows.count / 2
            try await write(rows[..<middle], into: &outcome)
            try await write(rows[middle...], into: &outcome)
        }
    }

    /// Writes a batch in one transaction; repeats one whose commit got no answer.
    private func commit(_ batch: CheckpointBatch) async throws -> Int {
        var repeats = 0
        while true {
            do {
                if let written = try await upsert(batch, claiming: false) { return written }
                try await pool.execute(SQL.usageMonthInsert, batch.keys)
                if let written = try await upsert(batch, claiming: true) { return written }
            } catch PostgresError.commitUnknown where repeats < 3 {
                repeats += 1
            }
        }
    }

    /// Locks the batch's buckets, then writes; nil when a bucket has to be claimed first.
    ///
    /// Sharing is the normal case: writers of the same bucket work side by side. Claiming is needed
    /// once after each roll-up of a bucket, to mark it due again.
    private func upsert(_ batch: CheckpointBatch, claiming: Bool) async throws -> Int? {
        try await pool.transaction { connection in
            if claiming {
                try await connection.execute(SQL.usageMonthClaim, batch.keys)
            } else {
                let held = try await connection.query(SQL.usageMonthShare, batch.keys)
                guard try held.first?.bool("ready") == true else { return nil }
            }
            return try await connection.execute(SQL.usageCheckpointUpsert, batch.values)
        }
    }
}
