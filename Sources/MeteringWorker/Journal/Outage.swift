import Admission
import Counters
import Logging
import Quotas
import Redis

/// What the fallback of a worker depends on, and what it writes to the log.
struct Outage {
    let redis: RedisClient
    let checkTimeout: Duration
    let logger: Logger

    /// The clock of Redis when it takes writes and answers as fast as a check must be.
    func probe() async -> Int64? {
        guard redis.isServing else { return nil }
        return try? await RedisCounterStore.time(of: redis, within: checkTimeout)
    }

    func tell(_ event: Fallback.Event) {
        switch event {
        case .outageStarted(let reason):
            logger.error(
                """
                Redis is away: checks are decided here at this worker's share of each limit, and marked degraded; \
                what is let through goes to the journal
                """, metadata: ["reason": "\(reason)"])
        case .outageEnded(let time):
            logger.notice(
                "Redis is back: checks are counted together again",
                metadata: ["away_ms": "\(time.millisecondsUp)"])
        }
    }
}
