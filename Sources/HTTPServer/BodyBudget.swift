import Synchronization

/// Bounds the memory of the larger bodies of all connections together, from their first bytes until
/// the response.
///
/// Small bodies are not counted: the bound on connections bounds them, and a check stays fast.
final class BodyBudget: Sendable {
    static let bytesMax = 64 << 20
    /// A longer body is counted.
    static let smallBytesMax = Router.unauthenticatedBodyBytesMax

    private let most: Int
    private let taken = Atomic<Int>(0)

    init(most: Int = bytesMax) {
        self.most = most
    }

    var bytesTaken: Int { taken.load(ordering: .relaxed) }

    /// The bytes of one body, given back when the last reference goes.
    final class Share: Sendable {
        private let budget: BodyBudget
        private let bytes = Atomic<Int>(0)

        init(of budget: BodyBudget) {
            self.budget = budget
        }

        deinit { budget.taken.subtract(bytes.load(ordering: .relaxed), ordering: .relaxed) }

        /// False when the budget is too small for it; the share then keeps its size.
        func grow(to size: Int) -> Bool {
            let more = size - bytes.load(ordering: .relaxed)
            guard more > 0 else { return true }
            guard budget.taken.add(more, ordering: .relaxed).newValue <= budget.most else {
                budget.taken.subtract(more, ordering: .relaxed)
                return false
            }
            bytes.add(more, ordering: .relaxed)
            return true
        }
    }
}

extension Problem {
    static let bodyBudgetExhausted = Problem.unavailable(
        "too many large requests are arriving at once; retry, or send shorter lists")
}
