/// The answer to a check with a request id.
public struct OnceAnswer: Hashable, Sendable {
    public enum Memory: Hashable, Sendable {
        /// The id was new.
        case first
        /// The id was known: nothing was counted now.
        case repeated
        /// Counted, but there was no space to remember the id.
        case forgotten
        /// The id was known with another limit, mode, cost or access: nothing was counted now.
        case otherCall
    }

    public let answer: QuotaAnswer
    public let memory: Memory

    package init(answer: QuotaAnswer, memory: Memory) {
        (self.answer, self.memory) = (answer, memory)
    }
}
