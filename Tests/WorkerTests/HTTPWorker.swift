import Ledger
import LocalServers
import Logging
import Metering
import NIOCore
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import MeteringWorker

/// A worker that serves inside this process, with a real PostgreSQL and a Redis of its own.
struct HTTPWorker: Sendable {
    let worker: Worker
    let database: HTTPDatabase
    let redis: LocalRedis
    let port: Int
    /// A key for every scope and clinic.
    let key: String
    private let services: ServiceGroup
    private let running: Task<Void, any Error>

    /// Lends a serving worker and ends it in order.
    ///
    /// - Parameter settings: Beside the addresses; quick intervals and patient checks are the default.
    static func lend(
        _ settings: [String: String] = [:], _ body: (HTTPWorker) async throws -> Void
    ) async throws {
        let database = try await HTTPDatabase.make()
        do {
            try await lend(settings, on: database, body)
        } catch {
            await database.drop()
            throw error
        }
        await database.drop()
    }

    static func lend(
        _ settings: [String: String] = [:], on database: HTTPDatabase,
        _ body: (HTTPWorker) async throws -> Void
    ) async throws {
        let redis = try await LocalRedis.temporary()
        let result: Result<Void, any Error>
        do {
            let worker = try await start(settings, on: database, redis)
            do { result = .success(try await body(worker)) } catch { result = .failure(error) }
            try await worker.end()
        } catch {
            await redis.remove()
            throw error
        }
        await redis.remove()
        try result.get()
    }

    private static func start(
        _ settings: [String: String], on database: HTTPDatabase, _ redis: LocalRedis
    ) async throws -> HTTPWorker {
        let worker = try await Worker.connect(
            WorkerSettings(
                environment: quick.merging(settings) { $1 }
                    .merging(["DATABASE_URL": database.url]) { $1 }
                    .merging(["REDIS_URL": redis.url]) { given, _ in given },
                file: nil),
            logger: .silent)
        let key = try await newKey(worker)
        let listening = PortBox()
        let services = try await worker.services(signals: []) {
            listening.port.store($0, ordering: .releasing)
        }
        let running = Task { try await services.run() }
        try await waitUntil("the worker listens") { listening.port.load(ordering: .acquiring) > 0 }
        return HTTPWorker(
            worker: worker, database: database, redis: redis,
            port: listening.port.load(ordering: .acquiring), key: key, services: services,
            running: running)
    }

    /// Recurring work comes often, and a check may take its time on a machine that also builds.
    private static let quick = [
        "HTTP_PORT": "0", "METERING_CHECK_TIMEOUT": "5s", "METERING_CHECKPOINT_INTERVAL": "100ms",
        "METERING_LOAD_TIMEOUT": "5s", "METERING_UNKNOWN_PER_SECOND": "1000",
        "METERING_SWEEP_INTERVAL": "1s", "METERING_ROLLUP_INTERVAL": "1s",
    ]

    /// Ends it as SIGTERM does, and fails when it does not end in order.
    func end() async throws {
        await services.triggerGracefulShutdown()
        let result = await running.result
        await worker.disconnect()
        try result.get()
    }
}

// MARK: Another server

extension HTTPWorker {
    /// Serves the same worker on a second port, with another time to wait for a head.
    func serve(idle: TimeAmount, _ body: (Int) async throws -> Void) async throws {
        let listening = PortBox()
        let server = worker.listener(tls: nil, idle: idle) {
            listening.port.store($0, ordering: .releasing)
        }
        let services = ServiceGroup(
            configuration: .init(services: [.init(service: server)], logger: .silent))
        let running = Task { try await services.run() }
        try await waitUntil("the second server listens") {
            listening.port.load(ordering: .acquiring) > 0
        }
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(listening.port.load(ordering: .acquiring)))
        } catch {
            result = .failure(error)
        }
        await services.triggerGracefulShutdown()
        try await running.value
        try result.get()
    }
}

extension HTTPWorker {
    /// Ends it while the test goes on; the signal is set when it has ended without an error.
    func endInBackground() -> Signal {
        let signal = Signal()
        Task {
            try await end()
            signal.set()
        }
        return signal
    }
}

/// Where the server says which port it got.
private final class PortBox: Sendable {
    let port = Atomic<Int>(0)
}

// MARK: Keys and requests

extension HTTPWorker {
    static func newKey(
        _ worker: Worker, _ scopes: Set<StoredKey.Scope> = [.admin], clinics: [ClinicID] = []
    ) async throws -> String {
        var random = SystemRandomNumberGenerator()
        let key = APIKey.make(random: &random).text
        _ = try await worker.ledger.keys.create(
            hash: APIKey.hash(of: key), name: "test", scopes: scopes, clinics: clinics)
        return key
    }

    /// A key that this worker knows already.
    func newKey(_ scopes: Set<StoredKey.Scope>, clinics: [ClinicID] = []) async throws -> String {
        let key = try await Self.newKey(worker, scopes, clinics: clinics)
        try await waitUntil("the worker knows the new key") {
            worker.keys.owner(authorization: "Bearer \(key)") != nil
        }
        return key
    }

    /// One request on a connection of its own.
    func request(
        _ method: String, _ path: String, body: String = "", key: String?
    ) async throws -> HTTPWire.Reply {
        try await HTTPWire.talk(to: port) { wire in
            try await wire.send(Self.text(method, path, body: body, key: key))
            return try await wire.reply(hasBody: method != "HEAD")
        }
    }

    static func text(_ method: String, _ path: String, body: String = "", key: String?) -> String {
        let authorization = key.map { "Authorization: Bearer \($0)\r\n" } ?? ""
        return "\(method) \(path) HTTP/1.1\r\nHost: test\r\n\(authorization)"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// `POST /v1/check`, with further fields as JSON text such as `,"cost":2`.
    func check(_ clinic: ClinicID, _ more: String = "") async throws -> HTTPWire.Reply {
        try await request(
            "POST", "/v1/check", body: #"{"clinic_id":"\#(clinic)"\#(more)}"#, key: key)
    }

    func usage(_ clinic: ClinicID) async throws -> HTTPWire.Reply {
        try await request("GET", "/v1/clinics/\(clinic)/usage", key: key)
    }

    /// The server still does its work: the last line of every test that mistreats it.
    func expectServing(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let health = try await request("GET", "/healthz", key: nil)
        #expect(health.status == 200, sourceLocation: sourceLocation)
        #expect(health.body == "{\"status\":\"alive\"}\n", sourceLocation: sourceLocation)
    }
}
