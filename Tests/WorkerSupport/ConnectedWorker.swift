package import DatabaseSupport
package import LocalServers
package import MeteringWorker
import TestSupport

/// A worker in this process that is connected and does nothing by itself. Its Redis is its own.
package struct ConnectedWorker: Sendable {
    package let worker: Worker
    package let database: TestDatabase
    package let redis: LocalRedis

    /// Lends it and disconnects it.
    package static func lend<Value>(
        _ body: (ConnectedWorker) async throws -> Value
    ) async throws -> Value {
        try await TestDatabase.lend { database in
            try await LocalRedis.lend { redis in
                let settings = [
                    "DATABASE_URL": database.url(), "REDIS_URL": redis.url,
                    "METERING_CHECK_TIMEOUT": "5s", "METERING_LOAD_TIMEOUT": "5s",
                    "METERING_ON_OUTAGE": "deny",
                ]
                return try await connect(settings) { worker in
                    try await body(
                        ConnectedWorker(worker: worker, database: database, redis: redis))
                }
            }
        }
    }

    /// Lends a worker with these settings and no others.
    static func connect<Value>(
        _ settings: [String: String], _ body: (Worker) async throws -> Value
    ) async throws -> Value {
        try await withResource(
            {
                try await Worker.connect(
                    WorkerSettings(environment: settings, file: nil), logger: .silent)
            }, release: { await $0.disconnect() }, body)
    }
}
