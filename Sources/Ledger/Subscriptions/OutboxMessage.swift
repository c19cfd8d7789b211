public import Metering

/// A message that the team's own programs act on.
public struct OutboxMessage: Hashable, Sendable {
    public let id: Int64
    /// `standing_changed`, `dunning_notice` or `plan_changed`.
    public let kind: String
    /// A JSON object.
    public let payload: String
    public let createdAt: UTCTime
}
