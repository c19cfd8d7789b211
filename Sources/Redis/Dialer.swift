import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// Opens sockets for a lane. TLS is one more handler in front of the connection, which receives
/// its faults.
struct Dialer {
    let configuration: RedisConfiguration
    let loop: any EventLoop

    /// Connects once, to whatever the address names now; the result comes on `loop`, with the
    /// connection not yet greeted.
    func dial(
        asksForWrites: Bool,
        _ done: @escaping @Sendable (Result<Connection, RedisError>) -> Void
    ) {
        let configuration = configuration
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelInitializer { channel in
                // A name with several addresses opens several channels; each has its own
                // connection.
                channel.eventLoop.makeCompletedFuture {
                    if let tls = configuration.tls {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(
                                context: tls.context,
                                serverHostname: configuration.address.tlsName))
                    }
                    try channel.pipeline.syncOperations.addHandler(
                        Connection(configuration, asksForWrites: asksForWrites))
                }
            }
        connect(bootstrap).flatMapThrowing { channel in
            try channel.pipeline.syncOperations.handler(type: Connection.self)
        }.whenComplete { result in
            done(result.mapError { Self.reason(for: $0, configuration) })
        }
    }

    private func connect(_ bootstrap: ClientBootstrap) -> EventLoopFuture<any Channel> {
        switch configuration.address {
        case .tcp(let host, let port):
            bootstrap
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelOption(.socketOption(.so_keepalive), value: 1)
                .connect(host: host, port: port)
        case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
        }
    }

    private static func reason(
        for error: any Error, _ configuration: RedisConfiguration
    ) -> RedisError {
        switch error {
        case let error as RedisError: error
        case ChannelError.connectTimeout: .connectTimeout(after: configuration.connectTimeout)
        case let error as NIOConnectionError:
            .notConnected(
                error.connectionErrors.first.map { words(for: $0.error) }
                    ?? "the name \(error.host) has no address")
        default:
            RedisTLSProblem(error).map(RedisError.tls) ?? .notConnected(words(for: error))
        }
    }

    /// What the system calls it, such as `Connection refused`.
    private static func words(for error: any Error) -> String {
        guard let error = error as? IOError else { return "\(error)" }
        return String(cString: strerror(error.errnoCode))
    }
}
