import Admission
import Counters
import Logging
import Quotas
import Redis

/// The dependencies of a worker's fallback, and its log lines.
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
                Redis is unavailable: this worker decides checks at its share of each limit and \
                marks them degraded; calls that it allows go to the journal
                """, metadata: ["reason": "\(reason)"])
        case .outageEnded(let time):
            logger.notice(
                "Redis is available again and counts the checks of all workers",
                metadata: ["outage_ms": "\(time.millisecondsUp)"])
        }
    }
}
