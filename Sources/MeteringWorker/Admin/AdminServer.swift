import HTTPServer
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// The listener for operators: `/metrics`, `/healthz`, `/readyz`. It takes no keys, so it is on
/// loopback unless its settings allow otherwise. Its connections have the same bounds as those of
/// the API.
struct AdminServer: Service {
    let settings: WorkerSettings.Admin
    private let listener: HTTPListener

    /// - Parameters:
    ///   - requestTimeout: The rest of a request must arrive within this of its head.
    ///   - idle: How long a connection may be open without a request.
    ///   - onListening: Receives the port once requests are accepted.
    init(
        _ sources: MetricSources, settings: WorkerSettings.Admin, requestTimeout: TimeAmount,
        idle: TimeAmount = .seconds(60), group: MultiThreadedEventLoopGroup, logger: Logger,
        onListening: @escaping @Sendable (Int) async -> Void
    ) {
        self.settings = settings
        listener = HTTPListener(
            Self.router(sources),
            settings: HTTPListener.Settings(
                host: settings.host, port: settings.port,
                connectionsMax: WorkerSettings.Admin.connectionsMax, idle: idle,
                request: requestTimeout),
            group: group, logger: logger, onListening: onListening)
    }

    func run() async throws {
        guard settings.isLoopback || settings.allowsPlaintext else {
            throw StartError.adminPlaintext(host: settings.host)
        }
        do { try await listener.run() } catch {
            throw StartError(listening: settings, error) ?? error
        }
    }

    /// Each path answers GET, and HEAD with the same fields and no body.
    private static func router(_ sources: MetricSources) -> Router {
        let metrics: @Sendable (APIRequest) async -> APIResponse = { _ in
            APIResponse(
                status: 200, type: MetricText.contentType, bytes: Array(sources.page().utf8))
        }
        let alive: @Sendable (APIRequest) async -> APIResponse = { _ in
            APIResponse(status: 200, json: ["status": "alive"])
        }
        let ready: @Sendable (APIRequest) async -> APIResponse = { _ in
            sources.readiness.response
        }
        return Router(
            ["GET", "HEAD"].flatMap { method in
                [
                    .open(method, "/metrics", metrics), .open(method, "/healthz", alive),
                    .open(method, "/readyz", ready),
                ]
            })
    }
}
