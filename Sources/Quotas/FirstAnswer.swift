import Synchronization

/// What comes first: the result of a task that others wait for too, or the end of the time for it.
final class FirstAnswer<Answer: Sendable>: Sendable {
    typealias Loaded = Result<Answer, QuotaError>

    private let waiting: Mutex<CheckedContinuation<Loaded, Never>?>

    private init(_ continuation: CheckedContinuation<Loaded, Never>) {
        waiting = Mutex(continuation)
    }

    /// The result of `task`, or that PostgreSQL gave none in time. The task itself is not cancelled.
    static func of(_ task: Task<Loaded, Never>, within limit: Duration) async -> Loaded {
        await withCheckedContinuation { continuation in
            let first = FirstAnswer(continuation)
            let alarm = Task {
                guard (try? await Task.sleep(for: limit)) != nil else { return }
                first.give(.failure(.termsUnavailable("none within \(limit)")))
            }
            Task {
                first.give(await task.value)
                alarm.cancel()
            }
        }
    }

    /// Only the first result is taken; later ones find nobody waiting.
    private func give(_ result: Loaded) {
        let continuation = waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting
        }
        continuation?.resume(returning: result)
    }
}
