import Postgres

/// The worker's own records, and what PostgreSQL says about its health.
public struct OperationsLedger: LedgerFacet {
    let pool: PostgresPool

    /// The roles of this login.
    public func rolesOfBilling() async throws(LedgerError) -> BillingRoles {
        try await stored {
            guard let row = try await pool.query(SQL.roleOfBilling).first else {
                throw LedgerError.corrupt("no roles")
            }
            return BillingRoles(
                isAdmin: try row.bool("is_admin"), isViewer: try row.bool("is_viewer"))
        }
    }

    /// The clock of the database, µs since 1970-01-01 UTC.
    public func databaseTime() async throws(LedgerError) -> Int64 {
        try await stored {
            guard let row = try await pool.query(SQL.databaseTime).first else {
                throw LedgerError.corrupt("no clock")
            }
            return try row.timestamp("now")
        }
    }

    /// Records that a worker is alive, and up to when it has written everything it saw. Removes
    /// workers whose last heartbeat is older than 24 hours.
    ///
    /// - Parameter checkpointedThrough: Clock of Redis, µs since 1970-01-01 UTC; nil before the
    ///   first.
    public func heartbeat(
        worker: String, checkpointedThrough: Int64?
    ) async throws(LedgerError) {
        let through = checkpointedThrough.map(PostgresValue.timestamp) ?? .null
        try await stored {
            try await pool.execute(SQL.workerHeartbeatUpsert, [.text(worker), through])
        }
    }

    /// Records that a worker ended in order.
    public func endHeartbeat(worker: String) async throws(LedgerError) {
        try await stored {
            try await pool.execute(SQL.workerHeartbeatDelete, [.text(worker)])
        }
    }

    /// How many workers sent a heartbeat in the last `seconds`.
    public func liveWorkers(within seconds: Int64 = 10) async throws(LedgerError) -> Int64 {
        try await stored {
            try await pool.query(SQL.workerLiveCount, [.int64(seconds)]).first?.int64("workers")
                ?? 0
        }
    }

    /// Records the stamp of a Redis node and its latest checkpoint.
    ///
    /// - Parameters:
    ///   - stamp: Hash of the node's replication id.
    ///   - lastCheckpoint: Clock of Redis, µs since 1970-01-01 UTC.
    public func noteRedisStamp(
        _ stamp: UInt64, node: String, lastCheckpoint: Int64? = nil
    ) async throws(LedgerError) {
        let latest = lastCheckpoint.map(PostgresValue.timestamp) ?? .null
        try await stored {
            try await pool.execute(
                SQL.redisStampUpsert, [.int64(Int64(bitPattern: stamp)), .text(node), latest])
        }
    }

    /// The stamps of Redis nodes, the latest first.
    public func redisStamps(limit: Int = 100) async throws(LedgerError) -> [RedisStamp] {
        try await stored {
            try await pool.query(SQL.redisStampList, [.count(limit)]).map { row in
                RedisStamp(
                    stamp: UInt64(bitPattern: try row.int64("stamp")), node: try row.text("node"),
                    firstSeen: try row.timestamp("first_seen"),
                    lastCheckpoint: try row.optionalTimestamp("last_checkpoint"))
            }
        }
    }

    /// Records that a job ran, from `startedAt` (µs since 1970-01-01 UTC) until now. The latest
    /// 1,000 runs of a job are kept.
    public func recordJob(
        _ job: String, startedAt: Int64, rowsWritten: Int64, ok: Bool
    ) async throws(LedgerError) {
        try await record(job, startedAt: startedAt, rowsWritten: rowsWritten, ok: ok, keep: 1_000)
    }

    /// Records a sweep that visited every clinic: what Redis had counted at its start is in the
    /// ledger.
    ///
    /// The age of a report is measured from it. Only the latest two are kept, because one is
    /// recorded a minute.
    /// - Parameter startedAt: Before the first counter was read; µs since 1970-01-01 UTC.
    public func noteSweep(
        startedAt: Int64, rowsWritten: Int64 = 0
    ) async throws(LedgerError) {
        try await record("sweep", startedAt: startedAt, rowsWritten: rowsWritten, ok: true, keep: 2)
    }

    private func record(
        _ job: String, startedAt: Int64, rowsWritten: Int64, ok: Bool, keep: Int
    ) async throws(LedgerError) {
        try await stored {
            try await pool.execute(
                SQL.jobRunInsert,
                [
                    .text(job), .timestamp(startedAt), .int64(rowsWritten), .bool(ok),
                    .count(keep),
                ])
        }
    }
}

// MARK: Messages

extension OperationsLedger {
    /// Carries the clinic whose config version rose, or an empty payload when several rose.
    public static let configChannel = "metering_config"
    /// Announces that an API key was created, changed or revoked.
    public static let keyChannel = "metering_keys"

    /// Sends `payload` to every worker that listens.
    public func notify(_ channel: String, _ payload: String) async throws(LedgerError) {
        try await stored {
            try await pool.execute(SQL.notify, [.text(channel), .text(payload)])
        }
    }
}
