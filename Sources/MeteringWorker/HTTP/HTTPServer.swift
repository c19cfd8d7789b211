import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix

/// The HTTP server with all its limits.
enum HTTPServer {
    static let headerBytesMax = 16_384
    static let headerFieldsMax = 64
    /// A connection without a request is closed after this.
    static let idle: TimeAmount = .seconds(60)

    /// - Parameters:
    ///   - idle: How long a connection may be open without a request.
    ///   - onListening: Told the port once requests are accepted.
    static func application(
        _ routes: Routes, settings: WorkerSettings.HTTP, group: MultiThreadedEventLoopGroup,
        logger: Logger, idle: TimeAmount = idle,
        onListening: @escaping @Sendable (Int) async -> Void
    ) -> Application<Routes> {
        let request = TimeAmount(settings.requestTimeout)
        let channel = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                LastRequest.Installer(), RequestClock(idle: idle, request: request),
            ],
            idleTimeout: idle,
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: headerBytesMax, maxHeaderListSize: headerBytesMax,
                maxHeaderFieldCount: headerFieldsMax))
        return Application(
            responder: routes,
            server: .http1(configuration: channel),
            configuration: ApplicationConfiguration(
                address: .hostname(settings.host, port: settings.port), serverName: nil,
                backlog: 1024,
                availableConnectionsDelegate: MaximumAvailableConnections(settings.connectionsMax)),
            onServerRunning: { channel in
                await onListening(channel.localAddress?.port ?? settings.port)
            },
            eventLoopGroupProvider: .shared(group), logger: logger)
    }
}
