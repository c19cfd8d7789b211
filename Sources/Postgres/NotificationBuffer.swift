import Synchronization

/// Notifications that the reader has not taken yet, bounded.
///
/// One reader. When more messages wait than the bound allows, all of them become one `overflow`.
final class NotificationBuffer: Sendable {
    typealias Event = PostgresListener.Event
    private typealias Waiter = CheckedContinuation<Event?, Never>

    private struct State {
        var events: [Event] = []
        var held = 0
        var waiter: Waiter?
        var isFinished = false
    }

    private let mostMessages: Int
    private let state = Mutex(State())

    init(mostMessages: Int) { self.mostMessages = mostMessages }

    func put(_ event: Event) {
        let waiter: Waiter? = state.withLock { state in
            guard !state.isFinished else { return nil }
            if let waiter = state.waiter {
                state.waiter = nil
                return waiter
            }
            keep(event, in: &state)
            return nil
        }
        waiter?.resume(returning: event)
    }

    /// At most four events wait: messages or their overflow, and the last word about the
    /// connection.
    private func keep(_ event: Event, in state: inout State) {
        switch event {
        case .notifications(let new):
            if state.events.contains(.overflow) { return }
            state.held += new.count
            if state.held > mostMessages {
                state.events.removeAll { $0.isMessages }
                state.events.append(.overflow)
            } else if case .notifications(let old)? = state.events.last {
                state.events[state.events.count - 1] = .notifications(old + new)
            } else {
                state.events.append(event)
            }
        case .overflow: state.events.append(event)
        case .listening, .lost:
            state.events.removeAll { !$0.isMessages && $0 != .overflow }
            state.events.append(event)
        }
    }

    /// The next event, in order; nil when there will be none, or the task is cancelled.
    func next() async -> Event? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let answer: Event?? = state.withLock { state in
                    if let event = state.events.first {
                        if event.isMessages || event == .overflow { state.held = 0 }
                        return state.events.removeFirst()
                    }
                    if state.isFinished || Task.isCancelled { return .some(nil) }
                    state.waiter = waiter
                    return nil
                }
                if let answer { waiter.resume(returning: answer) }
            }
        } onCancel: {
            takeWaiter()?.resume(returning: nil)
        }
    }

    /// Nothing more will come.
    func finish() {
        state.withLock { $0.isFinished = true }
        takeWaiter()?.resume(returning: nil)
    }

    private func takeWaiter() -> Waiter? {
        state.withLock { state in
            defer { state.waiter = nil }
            return state.waiter
        }
    }
}

extension PostgresListener.Event {
    fileprivate var isMessages: Bool { if case .notifications = self { true } else { false } }
}
