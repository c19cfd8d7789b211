package import DatabaseSupport
import Ledger
package import LocalServers
package import Metering
package import MeteringWorker
import ServiceLifecycle
import Synchronization
package import TestSupport

/// A worker that serves inside this process, with a real PostgreSQL and a Redis of its own.
package struct RunningWorker: Sendable {
    package let worker: Worker
    package let database: TestDatabase
    package let redis: LocalRedis
    package let port: Int
    /// A key for every scope and clinic.
    package let key: String
    private let services: ServiceGroup
    private let running: Task<Void, any Error>

    /// Lends a serving worker and ends it in order.
    ///
    /// - Parameters:
    ///   - settings: Beside the addresses; quick intervals and patient checks are the default.
    ///   - database: nil for one of its own.
    package static func lend<Value>(
        _ settings: [String: String] = [:], on database: TestDatabase? = nil,
        _ body: (RunningWorker) async throws -> Value
    ) async throws -> Value {
        guard let database else {
            return try await TestDatabase.lend { try await lend(settings, on: $0, body) }
        }
        return try await LocalRedis.lend { redis in
            var all = quick.merging(["REDIS_URL": redis.url]) { $1 }.merging(settings) { $1 }
            all["DATABASE_URL"] = database.url()
            return try await ConnectedWorker.connect(all) { worker in
                try await withResource(
                    { try await serve(worker, on: database, redis) },
                    release: { try await $0.end() }, body)
            }
        }
    }

    private static func serve(
        _ worker: Worker, on database: TestDatabase, _ redis: LocalRedis
    ) async throws -> RunningWorker {
        let key = try await database.makeKey([.admin])
        let port = ListeningPort()
        let services = try await worker.services(signals: []) { port.set($0) }
        let running = Task { try await services.run() }
        return RunningWorker(
            worker: worker, database: database, redis: redis,
            port: try await port.number(of: "the worker"), key: key, services: services,
            running: running)
    }

    /// Recurring work comes often, and a check may take its time on a machine that also builds.
    private static let quick = [
        "HTTP_PORT": "0", "METERING_CHECK_TIMEOUT": "5s", "METERING_CHECKPOINT_INTERVAL": "100ms",
        "METERING_LOAD_TIMEOUT": "5s", "METERING_UNKNOWN_PER_SECOND": "1000",
        "METERING_SWEEP_INTERVAL": "1s", "METERING_ROLLUP_INTERVAL": "1s",
    ]

    /// Ends it as SIGTERM does, and fails when it does not end in order. May be called again.
    private func end() async throws {
        await services.triggerGracefulShutdown()
        let result = await running.result
        await worker.disconnect()
        try result.get()
    }

    /// Ends it while the test goes on; the signal is set when it has ended without an error.
    package func endInBackground() -> Signal {
        let signal = Signal()
        Task {
            try await end()
            signal.set()
        }
        return signal
    }
}

// MARK: Requests

extension RunningWorker {
    /// One request on a connection of its own.
    package func request(
        _ method: String, _ path: String, body: String = "", key: String?
    ) async throws -> HTTPWire.Reply {
        try await HTTPWire.talk(to: port) { wire in
            try await wire.send(HTTPWire.request(method, path, body: body, key: key))
            return try await wire.reply(hasBody: method != "HEAD")
        }
    }

    /// `POST /v1/check`, with further fields as JSON text such as `,"cost":2`.
    package func check(_ clinic: ClinicID, _ more: String = "") async throws -> HTTPWire.Reply {
        try await request(
            "POST", "/v1/check", body: #"{"clinic_id":"\#(clinic)"\#(more)}"#, key: key)
    }

    package func usage(_ clinic: ClinicID) async throws -> HTTPWire.Reply {
        try await request("GET", "/v1/clinics/\(clinic)/usage", key: key)
    }

    /// The month that Redis counts in.
    package func month() async throws -> Month {
        let seconds = try await redis.client(["TIME"]).split(separator: "\n").first
            .flatMap { Int64($0) }
        guard let seconds, let month = Month(containing: seconds * 1_000_000) else {
            throw TestFailure("Redis told no time")
        }
        return month
    }
}
