import NIOCore
import NIOPosix

/// A listener that says it is Redis 6.2.14, which has no functions, and says OK to all else.
final class OldRedis: Sendable {
    let url: String
    private let channel: any Channel

    init() async throws {
        channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answers())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        url = "redis://127.0.0.1:\(channel.localAddress?.port ?? 0)"
    }

    func close() async throws { try await channel.close() }

    /// Answers each whole command; what has arrived of the next one waits for its rest.
    private final class Answers: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private var received = ""

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received += String(buffer: unwrapInboundIn(data))
            while let words = nextCommand() {
                let text = "# Server\r\nredis_version:6.2.14\r\nrole:master\r\n"
                let answer =
                    words.first == "INFO" ? "$\(text.utf8.count)\r\n\(text)\r\n" : "+OK\r\n"
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
            }
        }

        /// `*2 $4 INFO $6 server`, each part on a line of its own.
        private func nextCommand() -> [String]? {
            let lines = received.split(separator: "\r\n", omittingEmptySubsequences: false)
            guard let head = lines.first, head.hasPrefix("*"), let count = Int(head.dropFirst()),
                lines.count > 1 + 2 * count
            else { return nil }
            received = lines[(1 + 2 * count)...].joined(separator: "\r\n")
            return stride(from: 2, through: 2 * count, by: 2).map { String(lines[$0]) }
        }
    }
}
