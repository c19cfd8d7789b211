import CPostgres
import Glibc
import Synchronization

extension SocketPoller {
    /// Runs for as long as the process does.
    func run() {
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while true {
            let timeout = state.withLock { state in
                state.alarm.map { Deadline.milliseconds(until: $0) } ?? -1
            }
            let count = epoll_wait(epoll, &events, Int32(events.count), timeout)
            guard count >= 0 || errno == EINTR else { return failAll() }
            for event in events.prefix(Int(max(count, 0))) {
                let ticket = event.data.u64
                if ticket == 0 { forgetWakeUp() } else { end(ticket, .ready) }
            }
            endOverdue()
        }
    }

    /// Looks at all deadlines, but only when the nearest known one has passed.
    private func endOverdue() {
        let now = ContinuousClock.now
        let overdue: [Wait] = state.withLock { state in
            guard let alarm = state.alarm, alarm <= now else { return [] }
            let tickets = state.waits.filter { $0.value.deadline <= now }.keys
            let overdue = tickets.compactMap { remove($0, from: &state) }
            state.alarm = state.waits.values.lazy.map(\.deadline).min()
            return overdue
        }
        for wait in overdue { wait.resume(.deadline) }
    }

    /// The descriptor is unusable: no call may be left waiting for it.
    func failAll() {
        let waits = state.withLock { state in
            state.isBroken = true
            defer { state.waits = [:] }
            return Array(state.waits.values)
        }
        for wait in waits { wait.resume(.failed) }
    }
}
