import Metering
public import Quotas
import Synchronization

extension QuotaGate {
    /// The most checks of one call that wait for the counter store at the same time.
    public static let manyMax = 1_000
    /// Clinics that one call loads at the same time: other callers need PostgreSQL too.
    private static let loadsMax = 16

    /// Decides many checks at once and counts those that are allowed; each fails alone.
    ///
    /// They travel together, ``manyMax`` at a time. Checks of one clinic are decided in their order
    /// as long as one connection carries them and the clinic need not be loaded first; a caller
    /// should not rely on it.
    /// - Returns: One answer for each check, in order.
    public func checkMany(_ checks: [Check]) async -> [Answer] {
        var answers: [Answer] = []
        answers.reserveCapacity(checks.count)
        for start in stride(from: 0, to: checks.count, by: Self.manyMax) {
            let part = checks[start..<min(checks.count, start + Self.manyMax)]
            answers += await decide(Array(part))
        }
        return answers
    }

    private func decide(_ checks: [Check]) async -> [Answer] {
        let start = ContinuousClock.now
        let received = await Gathering.gather(count: checks.count) { index, completion in
            self.send(checks[index], then: completion)
        }
        var answers: [Answer?] = zip(checks, received).map { check, received in
            switch received {
            case .decided(let answer): answer
            case .reply(let reply): answer(to: check, from: reply).map { .success($0) }
            }
        }
        let open = answers.indices.filter { answers[$0] == nil }
        for (index, answer) in await resolve(open, checks, received) { answers[index] = answer }
        // A check without an answer was resolved.
        let all = answers.map { $0 ?? .failure(.countersUnavailable("no answer")) }
        if let observer {
            let time = ContinuousClock.now - start
            for (check, answer) in zip(checks, all) {
                observer.checked(check.mode, answer, took: time)
            }
        }
        return all
    }

    /// Does what the replies at these places ask for, a few at a time.
    private func resolve(
        _ places: [Int], _ checks: [Check], _ received: [Received]
    ) async -> [(Int, Answer)] {
        await withTaskGroup(of: (Int, Answer).self) { group in
            var answers: [(Int, Answer)] = []
            for (number, place) in places.enumerated() {
                if number >= Self.loadsMax, let done = await group.next() { answers.append(done) }
                guard case .reply(let reply) = received[place] else { continue }
                let check = checks[place]
                group.addTask { (place, await self.resolve(check, after: reply)) }
            }
            for await done in group { answers.append(done) }
            return answers
        }
    }
}

/// Gathers what came of checks that were sent together.
private final class Gathering: Sendable {
    private struct State {
        var received: [Received?]
        var missing: Int
    }

    private let state: Mutex<State>
    private let continuation: CheckedContinuation<[Received], Never>

    private init(count: Int, _ continuation: CheckedContinuation<[Received], Never>) {
        state = Mutex(State(received: Array(repeating: nil, count: count), missing: count))
        self.continuation = continuation
    }

    /// - Parameter send: Sends the check of that index. It ends by its own deadline.
    static func gather(
        count: Int, send: (Int, @escaping @Sendable (Received) -> Void) -> Void
    ) async -> [Received] {
        guard count > 0 else { return [] }
        return await withCheckedContinuation { continuation in
            let gathering = Gathering(count: count, continuation)
            for index in 0..<count { send(index) { gathering.put($0, at: index) } }
        }
    }

    private func put(_ received: Received, at index: Int) {
        let whole: [Received]? = state.withLock { state in
            state.received[index] = received
            state.missing -= 1
            return state.missing == 0 ? state.received.compactMap { $0 } : nil
        }
        if let whole { continuation.resume(returning: whole) }
    }
}
