import Synchronization

/// Work that ends when the test says so, and counts how often it started.
final class HeldWork: Sendable {
    private struct State {
        var starts = 0
        /// Nil once the work is no longer held.
        var held: [CheckedContinuation<Void, Never>]? = []
    }

    private let state = Mutex(State())

    var starts: Int { state.withLock(\.starts) }

    func run() async {
        await withCheckedContinuation { continuation in
            let isHeld = state.withLock { state in
                state.starts += 1
                state.held?.append(continuation)
                return state.held != nil
            }
            if !isHeld { continuation.resume() }
        }
    }

    func release() {
        let held = state.withLock { state in
            defer { state.held = nil }
            return state.held ?? []
        }
        for continuation in held { continuation.resume() }
    }
}
