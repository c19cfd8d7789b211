import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import ServiceLifecycle

/// The HTTP API's listener: SwiftNIO and HTTP/1.1, with all its limits (docs/decisions/0017-http-on-swiftnio.md).
struct HTTPServer: Service {
    static let headerBytesMax = 16_384
    static let headerFieldsMax = 64
    /// A connection without a request is closed after this.
    static let idle: TimeAmount = .seconds(60)

    private let router: Router
    private let direct: DirectCheck
    private let http: WorkerSettings.HTTP
    private let tls: NIOSSLContext?
    private let group: MultiThreadedEventLoopGroup
    private let logger: Logger
    private let times: RequestClock.Times
    private let bodies = BodyBudget()
    private let onListening: @Sendable (Int) async -> Void

    /// - Parameters:
    ///   - tls: What to speak TLS with; nil for plain HTTP.
    ///   - idle: How long a connection may be open without a request.
    ///   - onListening: Told the port once requests are accepted.
    init(
        _ router: Router, direct: DirectCheck, settings: WorkerSettings.HTTP, tls: NIOSSLContext?,
        group: MultiThreadedEventLoopGroup, logger: Logger, idle: TimeAmount = idle,
        onListening: @escaping @Sendable (Int) async -> Void
    ) {
        (self.router, self.tls, self.group, self.logger) = (router, tls, group, logger)
        (http, self.direct, self.onListening) = (settings, direct, onListening)
        times = RequestClock.Times(idle: idle, request: TimeAmount(settings.requestTimeout))
    }

    /// The listener ended although nobody asked it to.
    struct ListenerClosed: Error, CustomStringConvertible {
        var description: String { "the HTTP listener closed by itself; start the worker again" }
    }

    /// Serves until a graceful shutdown. Then nothing new is accepted, and it returns when every accepted
    /// request is answered; when its task is cancelled, it drops the connections instead.
    func run() async throws {
        let connections = OpenConnections()
        let listener = try await listen(connections)
        await onListening(listener.localAddress?.port ?? http.port)
        try? await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await listener.closeFuture.get()
            } onGracefulShutdown: {
                listener.close(promise: nil)
            }
        } onCancel: {
            listener.close(promise: nil)
        }
        let wasAsked = Task.isShuttingDownGracefully || Task.isCancelled
        await withTaskCancellationHandler {
            await connections.leave()
        } onCancel: {
            connections.drop()
        }
        guard wasAsked else { throw ListenerClosed() }
    }

    private func listen(_ connections: OpenConnections) async throws -> any Channel {
        let bound = (most: http.connectionsMax, logger: logger)
        return try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // One at a time, so that the bound on connections is exact.
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        ConnectionBound(most: bound.most, logger: bound.logger))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try prepare(channel, connections) }
            }
            .bind(host: http.host, port: http.port).get()
    }

    private func prepare(_ channel: any Channel, _ connections: OpenConnections) throws {
        let pipeline = channel.pipeline.syncOperations
        if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = Self.headerBytesMax
        limits.maxHeaderListSize = Self.headerBytesMax
        limits.maxHeaderFieldCount = Self.headerFieldsMax
        let decoder = HTTPRequestDecoder(limitConfiguration: limits)
        try pipeline.addHandler(ByteToMessageHandler(decoder))
        try pipeline.addHandler(
            HTTPConnection(
                router, direct: direct, times: times, hasHandshake: tls != nil, among: connections,
                bodies: bodies))
    }
}
