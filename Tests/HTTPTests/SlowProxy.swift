import LocalServers
import NIOCore
import NIOPosix
import Synchronization
import TestSupport

/// A way to a server on which every answer arrives later than it was sent. Requests pass at once.
final class SlowProxy: Sendable {
    let port: Int
    private let channel: any Channel
    private let box: DelayBox

    private final class DelayBox: Sendable { let value = Mutex<TimeAmount>(.zero) }

    private init(_ channel: any Channel, _ box: DelayBox) {
        (self.channel, self.box) = (channel, box)
        port = channel.localAddress?.port ?? 0
    }

    /// Lends a way to a Redis of its own.
    static func lend<Value>(_ body: (SlowProxy) async throws -> Value) async throws -> Value {
        try await LocalRedis.lend { redis in
            try await withResource(
                { try await open(to: redis.socketPath) }, release: { try await $0.close() }, body)
        }
    }

    /// - Parameter path: The Unix socket of the server.
    private static func open(to path: String) async throws -> SlowProxy {
        let delay = DelayBox()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { client in
                ClientBootstrap(group: client.eventLoop)
                    .channelInitializer { server in
                        server.eventLoop.makeCompletedFuture {
                            try server.pipeline.syncOperations.addHandler(
                                Relay(to: client, after: { delay.value.withLock(\.self) }))
                        }
                    }
                    .connect(unixDomainSocketPath: path)
                    .flatMapThrowing { server in
                        try client.pipeline.syncOperations.addHandler(
                            Relay(to: server, after: { .zero }))
                        _ = client.setOption(.autoRead, value: true)
                    }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return SlowProxy(channel, delay)
    }

    /// From now on each answer takes so much longer; 0 = none.
    func hold(_ time: TimeAmount) { box.value.withLock { $0 = time } }

    private func close() async throws { try await channel.close() }

    /// Passes bytes on to the other side, in order.
    private final class Relay: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let other: any Channel
        private let delay: @Sendable () -> TimeAmount
        private var latest = NIODeadline.uptimeNanoseconds(0)

        init(to other: any Channel, after delay: @escaping @Sendable () -> TimeAmount) {
            (self.other, self.delay) = (other, delay)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            let other = other
            // What was held up longer must not be overtaken.
            latest = max(latest, .now() + delay())
            context.eventLoop.scheduleTask(deadline: latest) {
                other.writeAndFlush(bytes, promise: nil)
            }
        }

        func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }
    }
}
