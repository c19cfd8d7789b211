/// What became of a request that Redis did not answer in time.
public enum CallOutcome: Hashable, Sendable {
    case replied(CounterReply)
    /// Redis refused it and counted nothing.
    case refused
    /// Redis may have counted it, and will never say.
    case unknown
}
