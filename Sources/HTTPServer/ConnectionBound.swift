import Logging
import NIOCore

/// Accepts no more connections than allowed; more wait in the system's queue until one closes.
///
/// When the process has no file descriptor left, it stops accepting for a moment: otherwise the
/// listener would stay readable and try to accept in a busy loop.
final class ConnectionBound: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = any Channel

    /// The pause before the next attempt to accept.
    static let pause: TimeAmount = .milliseconds(250)
    /// The time between two log lines about a lack of descriptors.
    private static let quiet: TimeAmount = .seconds(10)

    private let most: Int
    private let advice: String
    private let logger: Logger
    private var count = 0
    /// The channel requested a connection while the bound was reached.
    private var isHeld = false
    private var isPaused = false
    private var saidAt: NIODeadline?

    /// - Parameter advice: The remedy when the process has no file descriptor left.
    init(most: Int, advice: String, logger: Logger) {
        (self.most, self.advice, self.logger) = (most, advice, logger)
    }

    func read(context: ChannelHandlerContext) {
        guard count < most, !isPaused else {
            isHeld = true
            return
        }
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        count += 1
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        unwrapInboundIn(data).closeFuture.hop(to: context.eventLoop).whenComplete { _ in
            let (handler, context) = bound.value
            handler.count -= 1
            handler.resume(context)
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError else {
            context.fireErrorCaught(error)
            return
        }
        say(error)
        guard !isPaused else { return }
        isPaused = true
        // Only this takes the listener off the loop; a delayed read would not.
        _ = context.channel.setOption(.autoRead, value: false)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) { [self] in
            isPaused = false
            isHeld = false
            _ = context.channel.setOption(.autoRead, value: true)
        }
    }

    private func resume(_ context: ChannelHandlerContext) {
        guard isHeld, !isPaused, count < most else { return }
        isHeld = false
        context.read()
    }

    private func say(_ error: IOError) {
        let now = NIODeadline.now()
        guard saidAt.map({ now - $0 >= Self.quiet }) ?? true else { return }
        saidAt = now
        logger.error(
            "connections cannot be accepted; \(advice)",
            metadata: ["error": "\(error)", "open": "\(count)"])
    }
}
