import Counters
import Logging
import Quotas
import Redis

/// What the desk of a worker sees of its surroundings, and what it says in the log.
struct Outage {
    let redis: RedisClient
    let checkTimeout: Duration
    let logger: Logger

    /// The clock of Redis when it takes writes and answers as fast as a check must be.
    func probe() async -> Int64? {
        guard redis.isServing else { return nil }
        return try? await RedisCounterStore.time(of: redis, within: checkTimeout)
    }

    func tell(_ event: AwayDesk.Event) {
        switch event {
        case .redisLeft(let reason):
            logger.error(
                """
                Redis is away: checks are decided here at this worker's share of each limit, and marked degraded; \
                what is let through goes to the journal
                """, metadata: ["reason": "\(reason)"])
        case .redisReturned(let time):
            logger.notice(
                "Redis is back: checks are counted together again",
                metadata: ["away_ms": "\(time.millisecondsUp)"])
        }
    }
}
