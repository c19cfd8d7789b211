public import Logging
public import NIOCore
import NIOHTTP1
public import NIOPosix
public import NIOSSL
public import ServiceLifecycle

/// A listener for HTTP/1.1 on SwiftNIO, with all its bounds
/// (docs/decisions/0017-http-on-swiftnio.md).
///
/// Each connection has its `HTTPConnection`. A request goes to `direct` first and otherwise to
/// `router`.
public struct HTTPListener: Service {
    public struct Settings: Sendable {
        public let host: String
        /// 0 is any free port.
        public let port: Int
        /// The TLS configuration; nil for plain HTTP.
        public var tls: NIOSSLContext?
        public var connectionsMax: Int
        /// A connection without a request is closed after this.
        public var idle: TimeAmount
        /// The rest of a request must arrive within this of its head.
        public var request: TimeAmount
        /// What an operator does when connections cannot be accepted.
        public var advice = "allow the process more open files"

        public init(
            host: String, port: Int, tls: NIOSSLContext? = nil, connectionsMax: Int,
            idle: TimeAmount = .seconds(60), request: TimeAmount
        ) {
            (self.host, self.port, self.tls) = (host, port, tls)
            (self.connectionsMax, self.idle, self.request) = (connectionsMax, idle, request)
        }
    }

    static let headerBytesMax = 16_384
    static let headerFieldsMax = 64

    private let router: Router
    private let direct: DirectResponder
    private let settings: Settings
    private let group: MultiThreadedEventLoopGroup
    private let logger: Logger
    private let bodies = BodyBudget()
    private let onListening: @Sendable (Int) async -> Void

    /// - Parameter onListening: Receives the port once requests are accepted.
    public init(
        _ router: Router, direct: DirectResponder = .none, settings: Settings,
        group: MultiThreadedEventLoopGroup, logger: Logger,
        onListening: @escaping @Sendable (Int) async -> Void
    ) {
        (self.router, self.direct, self.settings) = (router, direct, settings)
        (self.group, self.logger, self.onListening) = (group, logger, onListening)
    }

    /// The listener ended without a shutdown.
    struct ListenerClosed: Error, CustomStringConvertible {
        var description: String { "the HTTP listener closed unexpectedly; restart the worker" }
    }

    /// Serves until a graceful shutdown. Then it accepts no connection, and returns when every
    /// accepted request is answered. When its task is cancelled, it drops the connections instead.
    public func run() async throws {
        let connections = OpenConnections()
        let listener = try await listen(connections)
        await onListening(listener.localAddress?.port ?? settings.port)
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
        try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // One at a time, so that the bound on connections is exact.
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .serverChannelInitializer { [settings, logger] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        ConnectionBound(
                            most: settings.connectionsMax, advice: settings.advice, logger: logger))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try prepare(channel, connections) }
            }
            .bind(host: settings.host, port: settings.port).get()
    }

    private func prepare(_ channel: any Channel, _ connections: OpenConnections) throws {
        let pipeline = channel.pipeline.syncOperations
        if let tls = settings.tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = Self.headerBytesMax
        limits.maxHeaderListSize = Self.headerBytesMax
        limits.maxHeaderFieldCount = Self.headerFieldsMax
        let decoder = HTTPRequestDecoder(limitConfiguration: limits)
        try pipeline.addHandler(ByteToMessageHandler(decoder))
        try pipeline.addHandler(
            HTTPConnection(
                router, direct: direct,
                times: RequestClock.Times(idle: settings.idle, request: settings.request),
                hasHandshake: settings.tls != nil, among: connections, bodies: bodies))
    }
}
