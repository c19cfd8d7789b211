import Counters
import Ledger
import Logging
import Redis

extension Worker {
    /// Checks everything that must be right before the first request; the first fault ends the
    /// start.
    func checkStart() async throws {
        do {
            try await ledger.requireLeastPrivilege()
        } catch {
            throw StartError(database: error) ?? error
        }
        try await ledger.usage.prepareMonths()
        try await ledger.plans.reconsider()
        let info: RedisInfo
        do {
            info = try await redis.info(timeout: .seconds(2))
        } catch {
            throw StartError(error)
        }
        try Self.check(info, logger: logger)
        try await counters.install()
        do throws(JournalError) {
            let adopted = try await journal.open()
            guard adopted > 0 else { return }
            logger.notice(
                "took over the journals of earlier runs", metadata: ["files": "\(adopted)"])
        } catch {
            throw StartError.journalDirectory(error.path, reason: error.reason)
        }
    }

    /// - Parameter logger: Receives risks that do not stop the start.
    static func check(_ info: RedisInfo, logger: Logger) throws(StartError) {
        guard let major = info.majorVersion, major >= 7 else {
            throw .redisTooOld(info.version ?? "of unknown version")
        }
        if info.role == "slave" { throw .redisIsReplica }
        let policy = info.maxmemoryPolicy ?? "noeviction"
        if policy.hasPrefix("allkeys-") { throw .redisEvicts(policy) }
        if policy != "noeviction" {
            logger.warning(
                "Redis may evict keys that expire; counters never expire, so they are safe",
                metadata: ["maxmemory-policy": "\(policy)"])
        }
        guard !info.aofEnabled else { return }
        logger.warning(
            """
            Redis writes no append-only file: it loses the counts since the last checkpoint when \
            it stops; set appendonly yes
            """)
    }
}
