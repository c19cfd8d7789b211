import NIOCore
import ServiceLifecycle
import Synchronization

/// Measures how late each event loop runs its work: a blocked loop makes every check on it wait.
struct LoopWatch: Service {
    let group: any EventLoopGroup
    let lag: HistogramCell

    static let interval = TimeAmount.milliseconds(250)

    func run() async throws {
        let isOver = Flag()
        for loop in group.makeIterator() { Self.measure(loop, lag, until: isOver) }
        try? await gracefulShutdown()
        isOver.value.store(true, ordering: .relaxed)
    }

    private static func measure(_ loop: any EventLoop, _ lag: HistogramCell, until isOver: Flag) {
        let due = NIODeadline.now() + interval
        loop.scheduleTask(deadline: due) {
            guard !isOver.value.load(ordering: .relaxed) else { return }
            lag.record(nanoseconds: (NIODeadline.now() - due).nanoseconds)
            measure(loop, lag, until: isOver)
        }
    }

    private final class Flag: Sendable {
        let value = Atomic<Bool>(false)
    }
}
