/// Whether the database refuses what goes over a plan.
public struct LimitMode: Hashable, Sendable {
    public let isEnforced: Bool
    /// µs since 1970-01-01 UTC.
    public let changedAt: Int64
    public let changedBy: String
}
