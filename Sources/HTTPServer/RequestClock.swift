import NIOCore

/// When a connection that waits for its client is closed.
///
/// A head must come within `idle` of the connection's start or of the last response, the rest of
/// the request within `request` of its head, whether or not requests before it, or it itself, are
/// answered meanwhile. The server's own time does not count.
///
/// The timer is not moved with every request, only when it would fire too late: when it fires too
/// early, it is set again.
final class RequestClock {
    struct Times: Sendable {
        let idle: TimeAmount
        let request: TimeAmount
    }

    private let times: Times
    private let close: (ChannelHandlerContext) -> Void
    /// Nil while the client waits for the server.
    private var deadline: NIODeadline?
    private var alarm: (task: Scheduled<Void>, at: NIODeadline)?

    init(_ times: Times, close: @escaping (ChannelHandlerContext) -> Void) {
        (self.times, self.close) = (times, close)
    }

    /// Starts to wait for a head.
    func waitForHead(_ context: ChannelHandlerContext) { set(.now() + times.idle, context) }

    /// Starts to wait for the rest of a request, or of a handshake.
    func waitForRest(_ context: ChannelHandlerContext) { set(.now() + times.request, context) }

    /// Starts to wait for a sign that the last response arrived.
    func waitForEnd(_ context: ChannelHandlerContext) { set(.now() + .seconds(1), context) }

    /// The request is whole: the client waits for the server.
    func pause() { deadline = nil }

    func stop() {
        alarm?.task.cancel()
        (alarm, deadline) = (nil, nil)
    }

    private func set(_ deadline: NIODeadline, _ context: ChannelHandlerContext) {
        self.deadline = deadline
        if let alarm, alarm.at <= deadline { return }
        alarm?.task.cancel()
        let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [self] in
            ring(context)
        }
        alarm = (task, deadline)
    }

    private func ring(_ context: ChannelHandlerContext) {
        alarm = nil
        guard let deadline else { return }
        if deadline <= .now() { close(context) } else { set(deadline, context) }
    }
}
