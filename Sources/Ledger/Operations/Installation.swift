public import Metering

/// How a database came to be metered.
public struct Installation: Hashable, Sendable {
    /// `new` or `attached`.
    public let kind: String
    public let since: UTCTime
    /// Whether `api_usage.api_calls` still is INT, which ends at 2,147,483,647.
    public let countsInInt: Bool

    public init(kind: String, since: UTCTime, countsInInt: Bool) {
        (self.kind, self.since, self.countsInInt) = (kind, since, countsInInt)
    }
}
