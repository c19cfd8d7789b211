import Logging
import NIOCore
import NIOEmbedded
import TestSupport
import Testing

@testable import MeteringWorker

@Suite struct `Open files` {
    @Test func `are shared out between the worker and its callers`() throws {
        let own = OpenFiles.own(loops: 2, databaseConnections: 4, adminConnections: 64)
        #expect(own == 152)
        #expect(try OpenFiles(most: 1_024, own: own).connections(wished: 10_000) == 872)
        #expect(try OpenFiles(most: 1_024, own: own).connections(wished: 872) == 872)
        #expect(try OpenFiles(most: 1_024, own: own).connections(wished: 10) == 10)
        #expect(try OpenFiles(most: 153, own: own).connections(wished: 10) == 1)
        #expect(try OpenFiles(most: .max, own: own).connections(wished: 1_000_000) == 1_000_000)
        for most in [0, 1, 151, 152] {
            #expect(throws: StartError.self) {
                try OpenFiles(most: most, own: own).connections(wished: 1)
            }
        }
    }

    @Test func `that are raised are never fewer than before`() {
        let few = OpenFiles.raised(connections: 1, own: 1)
        let many = OpenFiles.raised(connections: few.most, own: 100)
        #expect(many.most >= few.most)
    }
}

/// Should the system have no file for an accepted connection all the same, accepting rests.
@Suite struct `A listener without files` {
    @Test func `rests, and then goes on`() throws {
        let channel = EmbeddedChannel()
        let reads = ReadCount()
        try channel.pipeline.syncOperations.addHandlers([
            reads, ConnectionBound(most: 10, logger: .silent),
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
