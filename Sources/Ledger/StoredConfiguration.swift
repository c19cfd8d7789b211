public import Billing
public import Metering
public import Quotas

/// Everything PostgreSQL says about what a clinic may do in one month, read as one snapshot.
public struct StoredConfiguration: Hashable, Sendable {
    public var clinic: ClinicID
    /// 0 when nothing ever raised it.
    public var version: Int64
    /// nil without a subscription, or with one that has no plan.
    public var plan: StoredPlan?
    /// nil without a subscription, and for a word that nobody knows: such a clinic stays open, and
    /// `metering.attention` names it.
    public var paymentStatus: PaymentStatus?
    public var month: Month
    /// Net cost units of the month by epoch. The caller leaves out the epoch that Redis is counting.
    public var ledger: [Epoch: Int64]
    /// Signed sum of the month's corrections, cost units.
    public var adjustments: Int64

    /// A plan as it is stored. The JSON is read by `PlanFeatures(json:)`.
    public struct StoredPlan: Hashable, Sendable {
        public var id: Int64
        public var name: String
        /// The key `metering` of its features, as text; nil when there is none.
        public var features: String?
    }

    /// The same in the words of a quota check; refuses a plan that cannot be read.
    public func settings() throws(PlanError) -> ClinicSettings {
        var features: PlanFeatures?
        if let plan { features = try PlanFeatures(json: plan.features) }
        return ClinicSettings(
            version: version, plan: features, access: access, month: month, ledger: ledger,
            adjustments: adjustments)
    }

    private var access: StandingFlags.Access {
        switch paymentStatus?.access {
        case nil, .open: .open
        case .readOnly: .readOnly
        case .ended: .ended
        }
    }
}
