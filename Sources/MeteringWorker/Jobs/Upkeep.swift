import Counters
import Crypto
import Ledger
import Logging
import Quotas
import Redis

/// What is due every ten seconds besides counting: a heartbeat, the stamp of the Redis that counts,
/// the clocks, and the month tables.
struct Upkeep: Sendable {
    let name: String
    let checkpointer: Checkpointer
    let counters: RedisCounterStore
    let ledger: Ledger
    let logger: Logger

    /// Clocks further apart than this are logged.
    static let skewMax: Int64 = 1_000_000

    func run() async throws {
        let before = try await ledger.operations.databaseTime()
        let redisTime = try await counters.now()
        let after = try await ledger.operations.databaseTime()
        // Only what the round trip cannot explain is skew.
        let skew = max(before - redisTime, redisTime - after, 0)
        if skew > Self.skewMax {
            logger.warning(
                "the clocks of Redis and PostgreSQL differ; months turn by the clock of Redis",
                metadata: ["microseconds": "\(skew)"])
        }
        // The mark of every reply before this moment is recorded, so after this write it is in the
        // ledger.
        try await checkpointer.run()
        try await ledger.operations.heartbeat(worker: name, checkpointedThrough: redisTime)
        try await ledger.usage.prepareMonths()
        try await noteLife(at: redisTime)
    }

    /// The last checkpoint is written by now.
    func end() async throws {
        let time = try await counters.now()
        try await ledger.operations.recordJob(
            "checkpoint", startedAt: time, rowsWritten: 0, ok: true)
        try await ledger.operations.endHeartbeat(worker: name)
    }

    private func noteLife(at time: Int64) async throws {
        let info = try await counters.redis.info(["replication"])
        guard let id = info.masterReplid else { return }
        let digest = Insecure.SHA1.hash(data: Array(id.utf8))
        let stamp = digest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        try await ledger.operations.noteRedisStamp(
            stamp, node: "primary", lastCheckpoint: time)
    }
}
