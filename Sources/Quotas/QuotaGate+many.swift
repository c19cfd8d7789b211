import Metering
import Synchronization

extension QuotaGate {
    /// The most questions of one call that wait for the counter store at the same time.
    public static let manyMax = 1_000
    /// Clinics that one call loads at the same time: others need PostgreSQL too.
    private static let loadsMax = 16

    public typealias Answer = Result<QuotaAnswer, QuotaError>

    /// Decides many calls at once and counts those that are allowed; each fails alone.
    ///
    /// They travel together, ``manyMax`` at a time. Questions about one clinic are decided in their order as
    /// long as one connection carries them and the clinic need not be loaded first: do not build on it.
    /// - Returns: One answer for each question, in order.
    public func checkMany(_ questions: [Check]) async -> [Answer] {
        var answers: [Answer] = []
        answers.reserveCapacity(questions.count)
        for start in stride(from: 0, to: questions.count, by: Self.manyMax) {
            let part = questions[start..<min(questions.count, start + Self.manyMax)]
            answers += await answer(Array(part))
        }
        return answers
    }

    private func answer(_ questions: [Check]) async -> [Answer] {
        let began = ContinuousClock.now
        let replies = await RepliesToMany.gather(count: questions.count) { index, take in
            self.ask(questions[index], then: take)
        }
        var answers: [Answer?] = zip(questions, replies).map { question, reply in
            switch reply {
            case .answer(let alone): alone
            case .reply(let reply): plainAnswer(reply, to: question).map { .success($0) }
            }
        }
        let open = answers.indices.filter { answers[$0] == nil }
        for (index, answer) in await load(open, questions, replies) { answers[index] = answer }
        // Whatever had no answer was loaded.
        let all = answers.map { $0 ?? .failure(.countersUnavailable("no answer")) }
        if let observer {
            let time = ContinuousClock.now - began
            for (question, answer) in zip(questions, all) {
                observer.checked(question.mode, answer, took: time)
            }
        }
        return all
    }

    /// Does what the replies of these places ask for, for a few at a time.
    private func load(
        _ places: [Int], _ questions: [Check], _ replies: [RepliesToMany.Reply]
    ) async -> [(Int, Answer)] {
        await withTaskGroup(of: (Int, Answer).self) { group in
            var answers: [(Int, Answer)] = []
            for (number, place) in places.enumerated() {
                if number >= Self.loadsMax, let done = await group.next() { answers.append(done) }
                guard case .reply(let reply) = replies[place] else { continue }
                let question = questions[place]
                group.addTask { (place, await self.answer(question, after: reply)) }
            }
            for await done in group { answers.append(done) }
            return answers
        }
    }
}

/// Gathers the replies to questions that were asked together.
private final class RepliesToMany: Sendable {
    typealias Reply = Heard

    private struct State {
        var replies: [Reply?]
        var missing: Int
    }

    private let state: Mutex<State>
    private let continuation: CheckedContinuation<[Reply], Never>

    private init(count: Int, _ continuation: CheckedContinuation<[Reply], Never>) {
        state = Mutex(State(replies: Array(repeating: nil, count: count), missing: count))
        self.continuation = continuation
    }

    /// - Parameter ask: Asks the question of that index. It ends by its own deadline.
    static func gather(
        count: Int, ask: (Int, @escaping @Sendable (Reply) -> Void) -> Void
    ) async -> [Reply] {
        guard count > 0 else { return [] }
        return await withCheckedContinuation { continuation in
            let gathered = RepliesToMany(count: count, continuation)
            for index in 0..<count { ask(index) { gathered.take($0, at: index) } }
        }
    }

    private func take(_ reply: Reply, at index: Int) {
        let whole: [Reply]? = state.withLock { state in
            state.replies[index] = reply
            state.missing -= 1
            return state.missing == 0 ? state.replies.compactMap { $0 } : nil
        }
        if let whole { continuation.resume(returning: whole) }
    }
}
