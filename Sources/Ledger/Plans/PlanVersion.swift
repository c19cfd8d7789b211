import Postgres

/// One state that a plan was in.
public struct PlanVersion: Hashable, Sendable {
    public let number: Int64
    /// µs since 1970-01-01 UTC; 0 = before versions were kept.
    public let effectiveFrom: Int64
    public let changedBy: String
    public let maxUsers: Int64
    public let maxPatients: Int64
    /// −1 = unlimited; nil when it was no number.
    public let quota: Int64?
    /// Why it was refused; nil for a good one.
    public let problem: String?
}
