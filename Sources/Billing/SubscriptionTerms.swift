public import Metering

/// What the row of `clinic_subscriptions` says beside the facts.
public struct SubscriptionTerms: Hashable, Sendable {
    /// The first instant after the last day; nil when there is none.
    public var end: UTCTime?
    /// Whether a new period follows at the end. Only without it the end ends anything.
    public var renews: Bool

    public init(end: UTCTime?, renews: Bool) {
        self.end = end
        self.renews = renews
    }

    /// When the subscription runs out by itself.
    var expiry: UTCTime? { renews ? nil : end }
}
