import Synchronization

extension Task where Failure == Never {
    /// The result of the task, or nil when it has none within `limit`.
    ///
    /// The task goes on for its other callers. The wait does not end early when the caller is
    /// cancelled: what the result says about a store must reach the breaker of that store.
    package func value(within limit: Duration) async -> Success? {
        await withCheckedContinuation { continuation in
            let first = FirstResult(continuation)
            let alarm = Task<Void, Never> {
                guard (try? await Task<Never, Never>.sleep(for: limit)) != nil else { return }
                first.resume(returning: nil)
            }
            Task<Void, Never> {
                first.resume(returning: await value)
                alarm.cancel()
            }
        }
    }
}

/// Resumes its continuation with the first of two results and ignores the second.
private final class FirstResult<Success: Sendable>: Sendable {
    private let waiting: Mutex<CheckedContinuation<Success?, Never>?>

    init(_ continuation: CheckedContinuation<Success?, Never>) {
        waiting = Mutex(continuation)
    }

    func resume(returning result: Success?) {
        let continuation = waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting
        }
        continuation?.resume(returning: result)
    }
}
