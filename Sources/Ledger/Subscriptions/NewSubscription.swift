/// A subscription to start.
public struct NewSubscription: Hashable, Sendable {
    public var plan: String
    /// Days since 1970-01-01, UTC.
    public var firstDay: Int64
    public var lastDay: Int64
    public var renews: Bool
    /// nil for what the plan says.
    public var trialDays: Int64?
    public var awaitsPayment: Bool

    public init(
        plan: String, firstDay: Int64, lastDay: Int64, renews: Bool, trialDays: Int64? = nil,
        awaitsPayment: Bool = false
    ) {
        self.plan = plan
        self.firstDay = firstDay
        self.lastDay = lastDay
        self.renews = renews
        self.trialDays = trialDays
        self.awaitsPayment = awaitsPayment
    }
}
