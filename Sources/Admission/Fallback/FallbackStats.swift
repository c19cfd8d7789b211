/// What this process decided without the common counter since it started.
public struct FallbackStats: Hashable, Sendable {
    /// Calls that it allowed, and calls that it denied.
    public var allowed: Int64 = 0
    public var denied: Int64 = 0
    /// Units in the journal.
    public var journaled: Int64 = 0
    /// Units that the journal had no space for: they are not counted.
    public var unkept: Int64 = 0
    /// Units of calls that Redis may have counted or not: never journaled, so missing at most.
    public var ambiguous: Int64 = 0
    /// Units that Redis counted although their caller was denied: too many at most.
    public var excess: Int64 = 0

    public init() {}
}
