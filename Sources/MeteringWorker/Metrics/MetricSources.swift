import Admission
import Postgres
import Quotas
import Redis

/// What each scrape reads, and the text that it returns.
struct MetricSources: Sendable {
    let metrics: WorkerMetrics
    let redis: RedisClient
    let pool: PostgresPool
    let marks: HighWaterMarks
    let journal: Journal
    let readiness: Readiness

    func page() -> String {
        let samples = metrics.samples().merging(now()) { $1 }
        return MetricText.text(samples.merging(ProcessFigures().samples) { $1 })
    }

    private func now() -> [MetricName: [MetricSample]] {
        let health = redis.health
        return [
            .openMarks: [.number(marks.openCount)],
            .newEpochs: [.number(marks.newEpochs)],
            .journalRecords: [.number(journal.recordsWritten)],
            .journalWaiting: [.number(journal.recordsWaiting)],
            .redisServing: [.number(redis.isServing ? 1 : 0)],
            .redisConnections: [
                .number(health.connected, "up"), .number(health.connections, "wanted"),
            ],
            .redisConnects: [.number(health.connects)],
            .redisCommands: [.number(health.commands)],
            .redisFlushes: [.number(health.flushes)],
            .redisPending: [.number(health.pending)],
            .postgresConnections: [.number(pool.openCount)],
            .postgresWaiters: [.number(pool.waiterCount)],
            .ready: [.number(readiness.isReady ? 1 : 0)],
        ]
    }
}
