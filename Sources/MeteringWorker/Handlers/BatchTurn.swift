import HTTPServer

/// The sequential checks of a batch, until the store is unavailable, the time is over or the task
/// is cancelled.
struct BatchTurn {
    let until: ContinuousClock.Instant
    private var outage: Problem?

    init(until: ContinuousClock.Instant) { self.until = until }

    /// - Parameter ask: Receives the time that is left.
    mutating func take(
        _ ask: (Duration) async throws(Problem) -> APIResponse
    ) async throws(Problem) -> APIResponse {
        if let outage { throw outage }
        let left = until - ContinuousClock.now
        guard left > .zero, !Task.isCancelled else {
            throw .unavailable("the checks before this one took too long; this one was not made")
        }
        do throws(Problem) {
            return try await ask(left)
        } catch {
            if error.isStoreUnavailable { outage = error }
            throw error
        }
    }
}
