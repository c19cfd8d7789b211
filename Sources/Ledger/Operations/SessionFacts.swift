/// A session, and which server processes served it.
public struct SessionFacts: Hashable, Sendable {
    /// 150020 is 15.20.
    public let serverVersion: Int
    /// The process that the server named when the session started.
    public let promised: Int64
    /// Those that ran statements outside transactions, one after the other.
    public let seen: [Int64]

    public init(serverVersion: Int, promised: Int64, seen: [Int64]) {
        (self.serverVersion, self.promised, self.seen) = (serverVersion, promised, seen)
    }
}
