import Logging
import NIOCore
import NIOEmbedded
import TestSupport
import Testing

@testable import HTTPServer

/// When the system has no file for an accepted connection, accepting rests.
@Suite(.timed) struct `A listener without files` {
    @Test func `rests, and then goes on`() throws {
        let channel = EmbeddedChannel()
        let reads = ReadCount()
        try channel.pipeline.syncOperations.addHandlers([
            reads,
            ConnectionBound(
                most: 10, advice: "",
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }),
        ])
        channel.read()
        #expect(reads.count == 1)
        channel.pipeline.fireErrorCaught(IOError(errnoCode: 24, reason: "accept"))
        #expect(autoRead(of: channel) == false)
        channel.read()
        #expect(reads.count == 1)
        channel.embeddedEventLoop.advanceTime(by: ConnectionBound.pause)
        #expect(autoRead(of: channel) == true)
        channel.read()
        #expect(reads.count == 2)
        _ = try channel.finish()
    }

    private func autoRead(of channel: EmbeddedChannel) -> Bool? {
        channel.options.last { $0.option is ChannelOptions.Types.AutoReadOption }?.value as? Bool
    }
}

/// Counts how often the listener is told to accept.
private final class ReadCount: ChannelOutboundHandler {
    typealias OutboundIn = any Channel
    var count = 0

    func read(context: ChannelHandlerContext) { count += 1 }
}
