/// Which of the two roles of `billing` a login has.
public struct BillingRoles: Hashable, Sendable {
    /// Reads and changes.
    public let isAdmin: Bool
    /// Reads.
    public let isViewer: Bool
}
