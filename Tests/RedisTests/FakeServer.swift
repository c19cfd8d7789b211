import NIOCore
import NIOPosix
import Synchronization
import TestSupport

/// A listener on 127.0.0.1 that says what a test wants it to say: what no honest Redis would.
///
/// It knows commands only as arrays at the head of a line, which is all that the driver sends it.
final class FakeServer: Sendable {
    enum Act: Sendable {
        /// Each piece is written, and flushed, by itself.
        case say([String])
        case sayThenClose([String])
        case nothing
    }

    let url: String
    private let channel: any Channel
    let accepted = Accepted()

    final class Accepted: Sendable {
        private let number = Atomic<Int>(0)
        var count: Int { number.load(ordering: .relaxed) }
        func next() -> Int { number.wrappingAdd(1, ordering: .relaxed).newValue }
    }

    /// - Parameter script: What to do for the n-th command (from 1) of the m-th connection (from 1).
    init(_ script: @escaping @Sendable (_ command: Int, _ connection: Int) -> Act) async throws {
        let accepted = accepted
        channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let number = accepted.next()
                    let handler = Handler { script($0, number) }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        url = "redis://127.0.0.1:\(channel.localAddress?.port ?? 0)"
    }

    func close() async throws { try await channel.close() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let script: (Int) -> Act
        private var commands = 0

        init(_ script: @escaping (Int) -> Act) { self.script = script }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let heads = unwrapInboundIn(data).readableBytesView.count { $0 == UInt8(ascii: "*") }
            for _ in 0..<heads {
                commands += 1
                switch script(commands) {
                case .say(let pieces): say(pieces, context)
                case .sayThenClose(let pieces):
                    say(pieces, context)
                    context.close(promise: nil)
                case .nothing: break
                }
            }
        }

        private func say(_ pieces: [String], _ context: ChannelHandlerContext) {
            for piece in pieces {
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: piece)), promise: nil)
            }
        }
    }
}

/// Runs a story against a fake server that greets well and then follows `script`, counted from 1 again.
func withFakeServer<Result>(
    afterGreeting script: @escaping @Sendable (_ command: Int, _ connection: Int) -> FakeServer.Act,
    _ story: (FakeServer) async throws -> Result
) async throws -> Result {
    try await withServer(
        script: { command, connection in
            command == 1 ? .say(["+OK\r\n"]) : script(command - 1, connection)
        }, story)
}

/// Runs a story against a fake server that follows `script` from the first command on.
func withServer<Result>(
    script: @escaping @Sendable (_ command: Int, _ connection: Int) -> FakeServer.Act,
    _ story: (FakeServer) async throws -> Result
) async throws -> Result {
    try await withResource(
        { try await FakeServer(script) }, release: { try await $0.close() }, story)
}
