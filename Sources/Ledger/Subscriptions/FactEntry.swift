public import Billing
public import Metering

/// A fact that an administrator records.
public struct FactEntry: Hashable, Sendable {
    public var kind: SubscriptionFact.Kind
    /// When it happened; nil for now.
    public var at: UTCTime?
    /// For the audit log, 1 to 500 characters.
    public var reason: String
    /// A fact that is recorded again with its key is stored once. 1 to 200 characters.
    public var key: String

    public init(_ kind: SubscriptionFact.Kind, at: UTCTime? = nil, reason: String, key: String) {
        self.kind = kind
        self.at = at
        self.reason = reason
        self.key = key
    }
}
