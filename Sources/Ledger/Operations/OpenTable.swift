/// A table without row security.
public struct OpenTable: Hashable, Sendable {
    public let name: String
    /// Of schema metering, not the application's.
    public let isOurs: Bool
    /// Whether row security can be switched on.
    public let hasPolicy: Bool

    public init(name: String, isOurs: Bool, hasPolicy: Bool) {
        (self.name, self.isOurs, self.hasPolicy) = (name, isOurs, hasPolicy)
    }
}
