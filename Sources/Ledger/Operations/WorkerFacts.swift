/// How many workers are alive. Ages are seconds by the clock of the database.
public struct WorkerFacts: Hashable, Sendable {
    public let alive: Int64
    /// Those that fell silent and did not end in order; forgotten after 24 hours.
    public let silent: Int64
    /// Since the latest sign of any.
    public let latest: Int64?

    public init(alive: Int64, silent: Int64, latest: Int64?) {
        (self.alive, self.silent, self.latest) = (alive, silent, latest)
    }
}
