public import Metering

/// What PostgreSQL says about a clinic: the input of its counter's terms.
public struct ClinicTerms: Hashable, Sendable {
    /// Rises with every change of an input of this clinic.
    public var version: Int64
    /// Nil when the clinic has no subscription, or one without a plan.
    public var plan: PlanFeatures?
    /// Units that the running month admits, and the next one; −1 = no quota. A plan lowers its
    /// quota from the next month on, so the two can differ.
    public var quota: Int64
    public var nextQuota: Int64
    public var access: StandingFlags.Access
    /// The month that was running when PostgreSQL was read.
    public var month: Month
    /// Net units of the month that the ledger holds, by epoch.
    public var ledger: [Epoch: Int64]
    /// Sum of the month's adjustments; may be negative.
    public var adjustments: Int64

    /// - Parameters:
    ///   - quota: nil = what the plan says.
    ///   - nextQuota: nil = what the plan says.
    public init(
        version: Int64, plan: PlanFeatures?, quota: Int64? = nil, nextQuota: Int64? = nil,
        access: StandingFlags.Access, month: Month, ledger: [Epoch: Int64], adjustments: Int64
    ) {
        self.version = version
        self.plan = plan
        self.quota = quota ?? plan?.quota ?? -1
        self.nextQuota = nextQuota ?? plan?.quota ?? -1
        self.access = access
        self.month = month
        self.ledger = ledger
        self.adjustments = adjustments
    }

    /// Adds a count that a caller saw and the ledger may lack.
    package mutating func include(_ mark: Mark) {
        guard mark.period == month.start, let net = mark.net else { return }
        ledger[mark.epoch] = max(ledger[mark.epoch] ?? 0, net)
    }

    /// Adds units that were admitted without a common counter and that the adjustments lack.
    package mutating func include(carried units: Int64) {
        let (sum, overflow) = adjustments.addingReportingOverflow(units)
        adjustments = overflow ? .max : sum
    }

    /// The mark of the store, or the ledger's count when that is higher: then the store went back,
    /// and the next check, which passes this mark, lets it notice.
    public func highest(_ mark: Mark) -> Mark {
        guard mark.period == month.start, let held = mark.net, let known = ledger[mark.epoch],
            known > held
        else { return mark }
        var higher = mark
        (higher.used, higher.credited) = (known, 0)
        return higher
    }

    /// The terms to send to the counter, with `base` counted outside `epoch`.
    ///
    /// Quota 1,000, ledger {A: 300, B: 200}, adjustments −50: base outside A is 150.
    public func counterTerms(outside epoch: Epoch) -> CounterTerms {
        let windows = plan?.rateLimits ?? []
        // A tenth of a limit may take too long to refill. It is left out, and the ones after it
        // move up.
        let held: [RateLimit?] = access == .readOnly ? windows.map(\.atATenth) : windows
        let mask = plan?.shadowMask ?? 0
        let shadows = held.indices.filter { held[$0] != nil }.enumerated()
            .reduce(0 as UInt8) { $0 | (mask >> UInt8($1.element) & 1) << UInt8($1.offset) }
        return CounterTerms(
            flags: StandingFlags(access: access, hasSubscription: plan != nil), version: version,
            period: month.start, periodEnd: month.end, nextPeriodEnd: month.next?.end ?? 0,
            quota: quota, nextQuota: nextQuota, limits: held.compactMap { $0 },
            base: base(outside: epoch),
            basePeriod: month.start, baseEpoch: epoch,
            shadow: Shadow(
                limits: shadows, nextLimits: 0, quota: plan?.isQuotaInShadow ?? false))
    }

    /// A sum beyond `Int64` stays at its ends: a counter refuses it as out of range.
    private func base(outside epoch: Epoch) -> Int64 {
        ledger.reduce(adjustments) { sum, entry in
            guard entry.key != epoch else { return sum }
            let (total, overflow) = sum.addingReportingOverflow(entry.value)
            return overflow ? (sum < 0 ? .min : .max) : total
        }
    }
}
