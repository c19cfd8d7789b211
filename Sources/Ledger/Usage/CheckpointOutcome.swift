public import Metering

/// What became of a batch of checkpoints.
public struct CheckpointOutcome: Hashable, Sendable {
    /// Committed, or held already: the ledger is at least as high. May be settled in Redis.
    public var confirmed: [UsageCheckpoint] = []
    /// Of the confirmed, how many rows were written.
    public var written = 0
    /// Refused by a rule of the ledger, and kept in quarantine.
    public var quarantined: [Refused] = []

    /// Of the confirmed, how many the ledger held already.
    public var unchanged: Int { confirmed.count - written }

    public struct Refused: Hashable, Sendable {
        public var checkpoint: UsageCheckpoint
        /// SQLSTATE and the name of the rule, or the caller's words.
        public var reason: String
    }
}
