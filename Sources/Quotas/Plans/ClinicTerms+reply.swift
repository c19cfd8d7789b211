import Metering

extension ClinicTerms {
    /// The terms that a reply shows, for a process without PostgreSQL: limits by their numbers,
    /// quota, standing, and the units of the month. Nil when its period is no month.
    package init?(_ reply: CounterReply) {
        guard let month = Month(containing: reply.mark.period), let net = reply.mark.net else {
            return nil
        }
        let isSlow = reply.flags.access == .readOnly
        let limits = reply.limits.enumerated().compactMap { index, limit in
            // The counter of a suspended clinic holds a tenth of the limit; terms hold all of it.
            RateLimit(
                id: limit.id, emission: isSlow ? limit.emission / 10 : limit.emission,
                tolerance: limit.tolerance
            ).map { window in
                PlanFeatures.Limit(
                    name: "limit-\(limit.id.group)", windows: [window],
                    isInShadow: reply.shadow & 1 << UInt8(index) != 0)
            }
        }
        let plan = PlanFeatures(
            limits: limits, quota: reply.quota < 0 ? nil : reply.quota, storageBytes: nil,
            isQuotaInShadow: reply.saysQuotaInShadow)
        self.init(
            version: reply.configVersion, plan: reply.flags.hasSubscription ? plan : nil,
            quota: reply.quota, nextQuota: reply.quota, access: reply.flags.access, month: month,
            ledger: [reply.mark.epoch: net],
            adjustments: reply.usage - net)
    }

    /// Whether an earlier reply showed the same terms, so that this one brings nothing new.
    package func isShown(by reply: CounterReply) -> Bool {
        version == reply.configVersion && month.start == reply.mark.period
            && ledger[reply.mark.epoch] != nil
            && (!reply.saysQuotaInShadow || plan?.isQuotaInShadow == true)
    }
}

extension CounterReply {
    /// A quota in shadow shows when it would have denied.
    fileprivate var saysQuotaInShadow: Bool { wouldDeny & Self.quotaBit != 0 }
}
