public import Billing
public import Metering

/// What a move to another plan would mean, or did.
public struct PlanMove: Hashable, Sendable {
    /// nil for a clinic whose subscription has no plan.
    public let from: String?
    public let to: String
    public let comparison: PlanComparison
    public let effectiveAt: UTCTime
    /// Whether it happens at once.
    public let isAtOnce: Bool
}
