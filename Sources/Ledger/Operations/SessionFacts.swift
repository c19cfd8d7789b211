// What `Ledger` reads about a database for somebody who asks whether all is well. Ages are seconds by the
// clock of the database.

/// A session, and which processes of the server worked for it.
public struct SessionFacts: Hashable, Sendable {
    /// 150020 is 15.20.
    public let serverVersion: Int
    /// The process that the server promised when the session began.
    public let promised: Int64
    /// Those that ran statements outside transactions, one after the other.
    public let seen: [Int64]

    public init(serverVersion: Int, promised: Int64, seen: [Int64]) {
        (self.serverVersion, self.promised, self.seen) = (serverVersion, promised, seen)
    }
}
