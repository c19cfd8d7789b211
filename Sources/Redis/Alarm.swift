import NIOCore

/// One timer for all calls of a lane, set to the earliest deadline.
///
/// It rings on whole milliseconds, so at most a thousand times a second whatever deadlines callers
/// choose, and at most a millisecond late. Answered calls do not take it back: with a steady load
/// it rings about once per `commandTimeout`. Used on its event loop alone.
struct Alarm {
    private static let late = TimeAmount.milliseconds(2)

    private let loop: any EventLoop
    private var armed: (at: NIODeadline, task: Scheduled<Void>)?

    init(loop: any EventLoop) { self.loop = loop }

    /// Makes sure that `ring` is called soon after `deadline`.
    mutating func watch(_ deadline: NIODeadline, _ ring: @escaping @Sendable () -> Void) {
        let grain: UInt64 = 1_000_000
        let at = NIODeadline.uptimeNanoseconds((deadline.uptimeNanoseconds / grain + 1) * grain)
        if let armed {
            if armed.at <= at { return }
            armed.task.cancel()
        }
        armed = (at, loop.scheduleTask(deadline: at, ring))
    }

    /// Tells the alarm that it rang, at `now`.
    /// - Returns: Whether the loop was too busy to let it ring in time.
    mutating func rang(_ now: NIODeadline) -> Bool {
        let wasLate = armed.map { now - $0.at > Self.late } ?? false
        armed = nil
        return wasLate
    }
}
