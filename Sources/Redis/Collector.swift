import Synchronization

/// Collects the replies of a pipeline and resumes its caller with all of them.
final class Collector: Sendable {
    private struct State {
        var answers: [Call.Answer]
        var missing: Int
    }

    private let state: Mutex<State>
    private let continuation: CheckedContinuation<[Call.Answer], Never>

    init(count: Int, _ continuation: CheckedContinuation<[Call.Answer], Never>) {
        let nothing = Call.Answer.failure(.connectionLost(sent: false))
        state = Mutex(State(answers: Array(repeating: nothing, count: count), missing: count))
        self.continuation = continuation
    }

    func take(_ answer: Call.Answer, at index: Int) {
        let whole: [Call.Answer]? = state.withLock { state in
            state.answers[index] = answer
            state.missing -= 1
            return state.missing == 0 ? state.answers : nil
        }
        if let whole { continuation.resume(returning: whole) }
    }
}
