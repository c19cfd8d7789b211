/// How many entries, and how old; seconds by the clock of the database.
public struct Backlog: Hashable, Sendable {
    public let count: Int64
    /// nil when there is no time to go by.
    public let age: Int64?

    public init(count: Int64, age: Int64?) { (self.count, self.age) = (count, age) }
}
