/// When a job last ran, and how. Ages are seconds by the clock of the database.
public struct JobFacts: Hashable, Sendable {
    public let name: String
    /// Since the start of the latest good run; nil when none was good.
    public let age: Int64?
    /// Whether the latest run was good; nil when there was none.
    public let isGood: Bool?

    public init(name: String, age: Int64?, isGood: Bool?) {
        (self.name, self.age, self.isGood) = (name, age, isGood)
    }
}
