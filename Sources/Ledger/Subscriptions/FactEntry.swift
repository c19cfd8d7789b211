public import Billing
public import Metering

/// A fact that an administrator tells.
public struct FactEntry: Hashable, Sendable {
    public var kind: SubscriptionFact.Kind
    /// When it happened; nil for now.
    public var at: UTCTime?
    /// For the audit log, 1 to 500 characters.
    public var reason: String
    /// Told again with the same key, a fact is stored once. 1 to 200 characters.
    public var key: String

    public init(_ kind: SubscriptionFact.Kind, at: UTCTime? = nil, reason: String, key: String) {
        self.kind = kind
        self.at = at
        self.reason = reason
        self.key = key
    }
}
