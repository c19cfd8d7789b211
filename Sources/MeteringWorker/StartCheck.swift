import Counters
import Ledger
import Logging
import Redis

/// Why a worker does not start, each with its remedy.
enum StartError: Error, CustomStringConvertible {
    case redisTooOld(String)
    case redisEvicts(String)
    case redisIsReplica
    case redisAway(String)

    var description: String {
        switch self {
        case .redisTooOld(let version):
            "REDIS_URL leads to Redis \(version); 7.0 or later is needed, because counting is done by "
                + "functions: upgrade Redis, or name another server"
        case .redisEvicts(let policy):
            "the Redis of REDIS_URL has maxmemory-policy \(policy), which throws counters away when memory is "
                + "full: set it to noeviction (CONFIG SET maxmemory-policy noeviction)"
        case .redisIsReplica:
            "REDIS_URL leads to a replica, which cannot count: name the primary"
        case .redisAway(let reason):
            "REDIS_URL: Redis gives no answer: \(reason); check that it runs and that the URL is right"
        }
    }
}

extension Worker {
    /// Everything that must be right before the first request; the first fault ends the start.
    func checkStart() async throws {
        try await ledger.requireLeastPrivilege()
        try await ledger.prepareMonths()
        let info: RedisInfo
        do {
            info = try await redis.info(timeout: .seconds(2))
        } catch {
            throw StartError.redisAway("\(error)")
        }
        try Self.check(info, logger: logger)
        try await counters.install()
    }

    /// - Parameter logger: Gets what is a risk but no reason to refuse.
    static func check(_ info: RedisInfo, logger: Logger) throws(StartError) {
        guard let major = info.majorVersion, major >= 7 else {
            throw .redisTooOld(info.version ?? "of unknown version")
        }
        if info.role == "slave" { throw .redisIsReplica }
        let policy = info.maxmemoryPolicy ?? "noeviction"
        if policy.hasPrefix("allkeys-") { throw .redisEvicts(policy) }
        if policy != "noeviction" {
            logger.warning(
                "Redis may drop keys that expire; counters do not, so they are safe",
                metadata: ["maxmemory-policy": "\(policy)"])
        }
        guard !info.aofEnabled else { return }
        logger.warning(
            """
            Redis writes no append-only file: what it counted and no worker checkpointed is lost when it \
            stops; set appendonly yes
            """)
    }
}
