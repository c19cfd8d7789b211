/// What happens to a call of a limit while its counter is unavailable.
public enum OutageRule: String, Hashable, Sendable, CaseIterable {
    /// The process decides alone, at its share of the limit, and marks the answer degraded.
    case allow
    /// No decision: the caller should come back later.
    case deny
}
