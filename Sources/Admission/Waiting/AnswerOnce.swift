import Synchronization

/// Lets a task wait for the answer of a callback, or leave first when the task is cancelled.
///
/// The first of the two decides: the answer or the cancellation. The second is ignored.
package final class AnswerOnce<Answer: Sendable>: Sendable {
    private enum State {
        case new
        case waiting(CheckedContinuation<Answer, Never>)
        case early(Answer)
        case over
    }

    private let state = Mutex(State.new)

    private init() {}

    /// - Parameters:
    ///   - cancelled: What a cancelled task gets; the work that it started goes on.
    ///   - start: Starts the work with a callback that takes the answer on any thread.
    package static func wait(
        orWhenCancelled cancelled: Answer, start: (@escaping @Sendable (Answer) -> Void) -> Void
    ) async -> Answer {
        guard !Task.isCancelled else { return cancelled }
        let once = AnswerOnce()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if once.expect(continuation) { start { once.give($0) } }
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
