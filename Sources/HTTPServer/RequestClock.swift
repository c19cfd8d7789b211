import NIOCore

/// When a connection that waits for its client is closed.
///
/// A head must come within `idle` of the connection's start or of the last answer, the rest of the request
/// within `request` of its head, whether or not requests before it, or it itself, are answered meanwhile.
/// The time that we take to answer does not count.
///
/// The alarm is not moved with every request, only when it would ring too late: when it rings too early,
/// it is set anew.
final class RequestClock {
    struct Times: Sendable {
        let idle: TimeAmount
        let request: TimeAmount
    }

    private let times: Times
    private let close: (ChannelHandlerContext) -> Void
    /// Nil while only we are waited for.
    private var deadline: NIODeadline?
    private var alarm: (task: Scheduled<Void>, at: NIODeadline)?

    init(_ times: Times, close: @escaping (ChannelHandlerContext) -> Void) {
        (self.times, self.close) = (times, close)
    }

    /// From now on a head is waited for.
    func waitForHead(_ context: ChannelHandlerContext) { set(.now() + times.idle, context) }

    /// From now on the rest of a request is waited for, or the rest of a handshake.
    func waitForRest(_ context: ChannelHandlerContext) { set(.now() + times.request, context) }

    /// Nothing is waited for but a sign that the last answer arrived.
    func waitForEnd(_ context: ChannelHandlerContext) { set(.now() + .seconds(1), context) }

    /// Everything came: the client waits for us.
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
