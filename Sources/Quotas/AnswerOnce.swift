import Synchronization

/// Lets a task wait for what a callback brings, or leave first when it is cancelled.
///
/// Whoever comes first decides: the answer, or the cancellation. What comes later finds nobody waiting.
public final class AnswerOnce<Answer: Sendable>: Sendable {
    private enum State {
        case new
        case waiting(CheckedContinuation<Answer, Never>)
        case early(Answer)
        case over
    }

    private let state = Mutex(State.new)

    private init() {}

    /// - Parameters:
    ///   - cancelled: What a cancelled task is told; what was begun goes on.
    ///   - begin: Starts the work. It is handed what is to be called with the answer, on any thread.
    public static func wait(
        orWhenCancelled cancelled: Answer, begin: (@escaping @Sendable (Answer) -> Void) -> Void
    ) async -> Answer {
        guard !Task.isCancelled else { return cancelled }
        let once = AnswerOnce()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if once.expect(continuation) { begin { once.give($0) } }
            }
        } onCancel: {
            once.give(cancelled)
        }
    }

    /// - Returns: Whether there is still something to wait for.
    private func expect(_ continuation: CheckedContinuation<Answer, Never>) -> Bool {
        let early: Answer? = state.withLock { state in
            guard case .early(let answer) = state else {
                state = .waiting(continuation)
                return nil
            }
            state = .over
            return answer
        }
        guard let early else { return true }
        continuation.resume(returning: early)
        return false
    }

    private func give(_ answer: Answer) {
        let waiter: CheckedContinuation<Answer, Never>? = state.withLock { state in
            switch state {
            case .new: state = .early(answer)
            case .waiting(let continuation):
                state = .over
                return continuation
            case .early, .over: break
            }
            return nil
        }
        waiter?.resume(returning: answer)
    }
}
