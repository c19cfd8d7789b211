public import Billing
public import Metering
public import Quotas

/// Everything PostgreSQL says about what a clinic may do in one month, read as one snapshot.
public struct StoredTerms: Hashable, Sendable {
    public var clinic: ClinicID
    /// 0 when nothing ever raised it.
    public var version: Int64
    /// nil without a subscription, or with one that has no plan.
    public var plan: StoredPlan?
    /// What the clinic has beside its plan now.
    public var overrides: [StoredOverride]
    /// nil without a subscription, and for a status that this version does not know. Such a clinic
    /// stays open, and `metering.attention` names it.
    public var paymentStatus: PaymentStatus?
    public var month: Month
    /// Net cost units of the month by epoch. The caller leaves out the epoch that Redis is
    /// counting.
    public var ledger: [Epoch: Int64]
    /// Signed sum of the month's corrections, cost units.
    public var adjustments: Int64

    /// A plan as it is in force for the clinic.
    public struct StoredPlan: Hashable, Sendable {
        public var id: Int64
        public var name: String
        /// The newest version that no program refused; nil when all were refused.
        public var version: Int64?
        /// The key `metering` of that version, as text; nil when there is none.
        public var features: String?
        /// What is wrong with a newer version, or with the only one.
        public var problem: String?
        /// Units of the month and of the next one; −1 = unlimited. A raise counts at once, a cut
        /// from the next month on.
        public var quota: Int64
        public var nextQuota: Int64

        /// Reads the plan whole, also the part that a check does not need: a plan is good or it is
        /// not.
        func read() throws(PlanError) -> PlanFeatures {
            guard version != nil else {
                throw PlanError(stored: problem ?? "metering has no version")
            }
            guard let features else { return .unlimited }
            let plan = try PlanObject(metering: features)
            _ = try PlanTerms(plan)
            return try PlanFeatures(plan)
        }
    }

    public struct StoredOverride: Hashable, Sendable {
        public var override: ClinicOverride
        /// µs since 1970-01-01 UTC.
        public var until: Int64
    }

    /// The terms as a quota check uses them; throws for a plan that cannot be read.
    public func terms() throws(PlanError) -> ClinicTerms {
        try terms(under: try plan?.read())
    }

    /// - Parameter features: Of `plan`; nil without one.
    func terms(under features: PlanFeatures?) throws(PlanError) -> ClinicTerms {
        return ClinicTerms(
            version: version, plan: features?.with(overrides.map(\.override)),
            quota: quota(at: month.start) ?? plan?.quota,
            nextQuota: quota(at: month.end) ?? plan?.nextQuota, access: access, month: month,
            ledger: ledger, adjustments: adjustments)
    }

    /// The quota that an override gives until after `moment`.
    private func quota(at moment: Int64) -> Int64? {
        for stored in overrides where stored.override.what == .quota && stored.until > moment {
            if case .amount(let amount) = stored.override.value { return amount }
        }
        return nil
    }

    private var access: StandingFlags.Access {
        switch paymentStatus?.access {
        case nil, .open: .open
        case .readOnly: .readOnly
        case .ended: .ended
        }
    }
}
