import Synchronization
import WorkerSupport

/// What became of the calls that a test sent, by clinic.
final class CallTally: Sendable {
    enum Outcome: Sendable, Equatable {
        /// Answered 200: it must be counted.
        case acknowledged
        /// Answered that it was not counted, and why: it must not be.
        case refused
        /// No answer, or one that leaves it open: it may be counted.
        case unanswered
        /// Any other answer, as text: none of these calls should get one.
        case wrong(String)
    }

    struct Counts: Sendable {
        var acknowledged = 0
        var refused = 0
        var unanswered = 0
    }

    private struct State {
        var counts: [String: Counts] = [:]
        var wrong: [String] = []
    }

    private let state = Mutex(State())

    func note(_ outcome: Outcome, of clinic: String) {
        state.withLock { state in
            switch outcome {
            case .acknowledged: state.counts[clinic, default: Counts()].acknowledged += 1
            case .refused: state.counts[clinic, default: Counts()].refused += 1
            case .unanswered: state.counts[clinic, default: Counts()].unanswered += 1
            case .wrong(let answer): state.wrong.append(answer)
            }
        }
    }

    var counts: [String: Counts] { state.withLock(\.counts) }
    var wrong: [String] { state.withLock(\.wrong) }

    var total: Counts {
        counts.values.reduce(into: Counts()) { total, one in
            total.acknowledged += one.acknowledged
            total.refused += one.refused
            total.unanswered += one.unanswered
        }
    }
}

extension CallTally.Outcome {
    /// A 503 says in its detail whether the call surely never reached Redis.
    init(_ reply: HTTPWire.Reply) {
        switch reply.status {
        case 200: self = .acknowledged
        case 503:
            let surelyNot = ["Redis is not connected", "was never sent", "it is unavailable"]
            self = surelyNot.contains { reply.body.contains($0) } ? .refused : .unanswered
        default: self = .wrong("\(reply.status) \(reply.body)")
        }
    }
}
