public import Metering

/// A message for the team's own programs.
public struct OutboxMessage: Hashable, Sendable {
    public let id: Int64
    /// `standing_changed`, `dunning_notice` or `plan_changed`.
    public let kind: String
    /// A JSON object.
    public let payload: String
    public let createdAt: UTCTime
}
