package import Quotas
import Synchronization

/// Looks keys up in a slow source, one batch at a time, and remembers what it found.
///
/// A key that is not remembered joins the next batch. That batch starts when the running one has
/// ended, and takes every key that callers asked for meanwhile: 5,000 callers of 200 keys that come
/// during one call of the source cost it one more call. So the source serves one call at a time,
/// however many callers wait. A failure reaches every caller of its batch and is not remembered.
package final class BatchedLookup<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    package typealias Source = @Sendable ([Key]) async throws(QuotaError) -> [Key: Value]
    package typealias Clock = @Sendable () -> ContinuousClock.Instant

    /// How long results are believed, and how much work the source gets.
    package struct Pace: Sendable {
        /// Age at which a found value is looked up again.
        var foundFor: Duration
        /// Age at which a key that had no value is looked up again.
        var absentFor: Duration
        /// Whether an old value is still the answer while a batch looks it up again, and when that
        /// fails.
        var servesOldValues = false
        /// Least time between the starts of two batches.
        var pause = Duration.zero
        /// Most keys of one batch; a caller with one more is refused.
        var keysMax = 256
        /// Most keys that are remembered with a value, and most without one.
        var knownMax: Int
    }

    private typealias Found = Result<[Key: Value], QuotaError>

    private struct Batch {
        var keys: Set<Key> = []
        let task: Task<Found, Never>
    }

    private struct State {
        /// Keys with a value, and keys without. They are apart so that made-up keys evict no real
        /// one.
        var found: BoundedMap<Key, (value: Value, readAt: ContinuousClock.Instant)>
        var absent: BoundedMap<Key, ContinuousClock.Instant>
        var running: Batch?
        var next: Batch?
        var lastStart: ContinuousClock.Instant?
    }

    private enum Route {
        case remembered(Value?)
        case batch(Task<Found, Never>)
        case refused
    }

    private let source: Source
    private let pace: Pace
    private let patience: Duration
    private let now: Clock
    private let state: Mutex<State>

    /// - Parameters:
    ///   - patience: The longest that a caller waits. The batch itself ends by the source's
    ///     deadline.
    ///   - source: Returns the values of those keys that have one.
    package init(_ pace: Pace, patience: Duration, now: @escaping Clock, source: @escaping Source) {
        (self.pace, self.patience, self.now, self.source) = (pace, patience, now, source)
        state = Mutex(
            State(
                found: BoundedMap(capacity: pace.knownMax),
                absent: BoundedMap(capacity: pace.knownMax)))
    }

    /// The value of a key; nil when the source has none.
    ///
    /// - Parameter time: What the caller has left, when that is less than `patience`.
    package func value(
        of key: Key, within time: Duration? = nil
    ) async throws(QuotaError) -> Value? {
        switch route(to: key) {
        case .remembered(let value): return value
        case .refused: throw .busy
        case .batch(let task):
            let limit = min(patience, time ?? patience)
            guard let found = await task.value(within: limit) else {
                throw .termsUnavailable("none within \(limit)")
            }
            return try found.get()[key]
        }
    }

    /// Keys of the batch that has not started.
    var waiting: Int { state.withLock { $0.next?.keys.count ?? 0 } }

    private func route(to key: Key) -> Route {
        let time = now()
        return state.withLock { state in
            if let (value, readAt) = state.found[key] {
                let isOld = readAt.duration(to: time) >= pace.foundFor
                if !isOld { return .remembered(value) }
                if pace.servesOldValues {
                    _ = join(key, &state)
                    return .remembered(value)
                }
            } else if let readAt = state.absent[key],
                readAt.duration(to: time) < pace.absentFor
            {
                return .remembered(nil)
            }
            return join(key, &state).map { .batch($0) } ?? .refused
        }
    }

    /// The batch that has the key or will have it; nil when the next one is full.
    private func join(_ key: Key, _ state: inout State) -> Task<Found, Never>? {
        if let running = state.running, running.keys.contains(key) { return running.task }
        let before = state.running?.task
        var next =
            state.next
            ?? Batch(
                task: Task {
                    _ = await before?.value
                    return await self.run()
                })
        guard next.keys.count < pace.keysMax || next.keys.contains(key) else { return nil }
        next.keys.insert(key)
        state.next = next
        return next.task
    }

    private func run() async -> Found {
        await keepPause()
        let keys = state.withLock { state in
            state.lastStart = now()
            (state.running, state.next) = (state.next, nil)
            return state.running?.keys ?? []
        }
        let result: Found
        do throws(QuotaError) {
            result = .success(try await source(Array(keys)))
        } catch {
            result = .failure(error)
        }
        let time = now()
        state.withLock { state in
            state.running = nil
            guard case .success(let values) = result else { return }
            for key in keys {
                let value = values[key]
                state.found[key] = value.map { ($0, time) }
                state.absent[key] = value == nil ? time : nil
            }
        }
        return result
    }

    private func keepPause() async {
        let wait = state.withLock { state in
            state.lastStart.map { pace.pause - $0.duration(to: now()) } ?? .zero
        }
        if wait > .zero { try? await Task.sleep(for: wait) }
    }
}
