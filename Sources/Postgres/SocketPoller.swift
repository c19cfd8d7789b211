import CPostgres
import Glibc
import Synchronization

/// Waits for sockets and deadlines on one thread of its own, for all connections of the process.
///
/// libpq leaves waiting to its caller. A task suspends here, and this thread resumes it when its
/// socket is ready or its deadline has passed, so no thread of the cooperative pool ever blocks.
/// Each wait is registered and removed by itself: libpq may change the socket of a connection
/// between two waits.
final class SocketPoller: Sendable {
    static let shared = SocketPoller()

    enum Outcome: Sendable { case ready, deadline, cancelled, failed }
    enum Interest: Sendable { case readable, readableOrWritable }

    /// Names one wait or alarm. Never reused.
    typealias Ticket = UInt64

    struct Wait {
        /// Nil for an alarm, which only its deadline ends.
        let socket: Int32?
        let deadline: ContinuousClock.Instant
        let resume: @Sendable (Outcome) -> Void
    }

    struct State {
        var waits: [Ticket: Wait] = [:]
        var lastTicket: Ticket = 0
        /// When the thread will look at the deadlines. It is moved only towards now, or when it has
        /// passed: most calls end long before their deadline, and so need not wake the thread.
        var alarm: ContinuousClock.Instant?
        /// The system gave us no descriptor or no thread: every wait fails at once, none hangs.
        var isBroken = false
    }

    let state = Mutex(State())
    let epoll: Int32
    private let wakeUp: Int32

    init() {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        wakeUp = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data(u64: 0))
        epoll_ctl(epoll, EPOLL_CTL_ADD, wakeUp, &event)
        let started = DedicatedThread.start { self.run() }
        if epoll < 0 || wakeUp < 0 || !started { failAll() }
    }

    /// Suspends until the socket is ready, the deadline has passed or the task is cancelled.
    func wait(
        for interest: Interest, on socket: Int32, until deadline: Deadline
    ) async -> Outcome {
        let ticket = newTicket()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let wait = Wait(socket: socket, deadline: deadline.instant) {
                    continuation.resume(returning: $0)
                }
                add(wait, ticket, interest)
            }
        } onCancel: {
            end(ticket, .cancelled)
        }
    }

    /// Calls `ring` once at the deadline, unless the ticket is ended before.
    func ring(at deadline: Deadline, _ ring: @escaping @Sendable () -> Void) -> Ticket {
        let ticket = newTicket()
        let wait = Wait(socket: nil, deadline: deadline.instant) {
            if $0 == .deadline || $0 == .failed { ring() }
        }
        add(wait, ticket, .readable)
        return ticket
    }

    /// Ends a wait that is still open; does nothing to one that has ended.
    func end(_ ticket: Ticket, _ outcome: Outcome = .cancelled) {
        let wait = state.withLock { remove(ticket, from: &$0) }
        wait?.resume(outcome)
    }

    private func newTicket() -> Ticket {
        state.withLock {
            $0.lastTicket += 1
            return $0.lastTicket
        }
    }

    /// The deadline is watched from now on. A cancelled task is noticed here or in `end`, because
    /// its flag is set before its handlers run.
    private func add(_ wait: Wait, _ ticket: Ticket, _ interest: Interest) {
        let isCancelled = wait.socket != nil && Task.isCancelled
        let refusal: Outcome? = state.withLock { state in
            if isCancelled { return .cancelled }
            if state.isBroken { return .failed }
            if let socket = wait.socket, !watch(socket, interest, ticket) { return .failed }
            state.waits[ticket] = wait
            if let alarm = state.alarm, alarm <= wait.deadline { return nil }
            state.alarm = wait.deadline
            eventfd_write(wakeUp, 1)
            return nil
        }
        if let refusal { wait.resume(refusal) }
    }

    private func watch(_ socket: Int32, _ interest: Interest, _ ticket: Ticket) -> Bool {
        let both = EPOLLIN.rawValue | EPOLLOUT.rawValue
        let events = interest == .readable ? EPOLLIN.rawValue : both
        var event = epoll_event(
            events: events | EPOLLONESHOT.rawValue, data: epoll_data(u64: ticket))
        return epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) == 0
    }

    func remove(_ ticket: Ticket, from state: inout State) -> Wait? {
        guard let wait = state.waits.removeValue(forKey: ticket) else { return nil }
        if let socket = wait.socket {
            var ignored = epoll_event()
            epoll_ctl(epoll, EPOLL_CTL_DEL, socket, &ignored)
        }
        return wait
    }

    func forgetWakeUp() {
        var count: eventfd_t = 0
        eventfd_read(wakeUp, &count)
    }
}
