import AsyncHTTPClient
import Counters
import Foundation
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1
import Quotas
import Redis
import ServiceLifecycle

/// An API server that checks each request before it responds.
///
///     REDIS_URL=redis://127.0.0.1:6379 METERING_URL=http://127.0.0.1:8080 METERING_KEY=mk_… PORT=3000 ApiServerExample
///
/// The key needs the scopes `check` and `marks`. `REDIS_TIMEOUT_MS` is how long a check waits for Redis (25). Prints
/// `ready on port PORT`.
@main struct ApiServer {
    static func main() async throws {
        let environment = ProcessInfo.processInfo.environment
        guard let redis = environment["REDIS_URL"], let worker = environment["METERING_URL"],
            let key = environment["METERING_KEY"], let port = Int(environment["PORT"] ?? "3000")
        else { throw Usage() }
        let logger = Logger(label: "api-server") { StreamLogHandler.standardError(label: $0) }
        var settings = EmbeddedQuotas.Settings()
        if let wait = environment["REDIS_TIMEOUT_MS"].flatMap({ Int($0) }) {
            settings.outage.checkTimeout = .milliseconds(wait)
        }
        let quotas = EmbeddedQuotas(
            redis: try RedisConfiguration(redis), settings: settings,
            worker: Worker(url: worker, key: key).post, onEvent: { logger.warning("\($0)") })

        let router = Router()
        router.add(middleware: Metered(quotas: quotas))
        router.get("/patients") { _, _ in "patients\n" }
        router.post("/patients") { _, _ in "one more\n" }

        var application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)),
            onServerRunning: { announce($0.localAddress?.port ?? port) },
            logger: logger)
        // Added first, it ends last: what the last requests counted is posted.
        application.addServices(Upkeep(quotas: quotas))
        try await application.runService()
    }

    /// Flushes at once, also if stdout is a pipe.
    @Sendable private static func announce(_ port: Int) {
        print("ready on port \(port)")
        fflush(nil)
    }
}

struct Usage: Error, CustomStringConvertible {
    let description = "set REDIS_URL, METERING_URL and METERING_KEY, and PORT if it is not 3000"
}

/// Posts what was counted until the server ends, and then a last time.
struct Upkeep: Service {
    let quotas: EmbeddedQuotas

    func run() async { await cancelWhenGracefulShutdown { await quotas.run() } }
}

/// Carries the library's requests to a worker.
struct Worker {
    let url: String
    let key: String

    func post(path: String, body: [UInt8]) async throws -> WorkerResponse {
        var request = HTTPClientRequest(url: url + path)
        request.method = .POST
        request.headers = [
            "Authorization": "Bearer \(key)", "Content-Type": "application/json",
        ]
        request.body = .bytes(body)
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(3))
        let bytes = try await response.body.collect(upTo: 262_144)
        return WorkerResponse(
            status: Int(response.status.code), body: Array(bytes.readableBytesView))
    }
}
