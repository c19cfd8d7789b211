import Metering

extension CounterRules {
    /// Replaces bounds, quota and limits; counts stay. Creates the value when it is missing.
    public func configure(
        _ stored: [UInt8]?, _ terms: CounterTerms, nonce: UInt64
    ) -> Outcome {
        guard terms.isInRange else { return unchanged(.invalid) }
        guard let terms = terms.shifted(to: now) else { return unchanged(.stale) }
        guard let stored else {
            // A base that leaves an epoch out is no base for a new one.
            guard terms.baseEpoch == .none else { return unchanged(.miss) }
            return configured(created(terms, nonce: nonce), terms)
        }
        guard let before = CounterValue(decoding: stored) else { return unchanged(.unreadable) }
        if terms.version < before.version { return refused(.older, before) }
        let isOtherPeriod =
            terms.period < before.period
            || (terms.period > before.period && now < before.periodEnd)
        if isOtherPeriod { return refused(.otherPeriod, before) }

        var value = before
        if terms.period > before.period {
            guard value.enterPeriod(terms.period) else { return unchanged(.unsettled) }
        } else if terms.version == before.version, !before.hasInputs(of: terms) {
            return refused(.conflict, before)
        }
        if value.stamp != stamp, !switchEpoch(&value, nonce: nonce) {
            return unchanged(.unsettled)
        }
        if terms.baseEpoch == value.epoch, terms.basePeriod == value.period {
            // PostgreSQL may lack a closed count, so the base does not fall before it has them all.
            // A new version is a decision, such as a refund, and may lower it.
            let mayFall =
                terms.version > before.version || !value.hasUnsettled(of: value.period)
            value.base = mayFall ? terms.base : max(value.base, terms.base)
        }
        return configured(value, terms)
    }

    private func created(_ terms: CounterTerms, nonce: UInt64) -> CounterValue {
        CounterValue(
            flags: terms.flags, version: terms.version, stamp: stamp,
            epoch: mint(stamp, now, .none, nonce), period: terms.period, used: 0,
            credited: 0, granted: 0, base: terms.base, periodEnd: 0, nextPeriodEnd: 0,
            quota: 0, nextQuota: 0, limits: [], nextLimits: [], closed: [])
    }

    private func configured(
        _ old: CounterValue, _ terms: CounterTerms
    ) -> Outcome {
        var value = old
        value.flags = terms.flags
        value.version = terms.version
        (value.periodEnd, value.nextPeriodEnd) =
            (terms.periodEnd, terms.nextPeriodEnd)
        (value.quota, value.nextQuota) = (terms.quota, terms.nextQuota)
        value.replaceLimits(terms.limits, at: now)
        value.nextLimits = terms.nextLimits
        value.shadow = terms.shadow
        return Outcome(reply: answer(.configured, value), stored: value.encoded)
    }

    private func refused(_ verdict: CounterReply.Verdict, _ value: CounterValue) -> Outcome {
        Outcome(reply: answer(verdict, value), stored: nil)
    }

    private func answer(_ verdict: CounterReply.Verdict, _ value: CounterValue) -> CounterReply {
        CounterReply(
            verdict: verdict, flags: value.flags, mask: 0, configVersion: value.version,
            mark: value.mark(seenAt: now), now: now, wait: 0, usage: value.usage,
            quota: value.quota, periodEnd: value.periodEnd, limits: [])
    }
}

extension CounterTerms {
    /// Whether Redis would take these numbers: every one below 2^53, bounds in order.
    var isInRange: Bool {
        let most: Int64 = 1 << 53 - 1
        return (0...most).contains(version) && period >= 0 && periodEnd > period
            && periodEnd <= most && nextPeriodEnd <= most && (-most...most).contains(base)
            && (nextPeriodEnd == 0 || nextPeriodEnd > periodEnd)
            && (-1...most).contains(quota) && (-1...most).contains(nextQuota)
            && limits.count <= CounterValue.limitsMax && nextLimits.count <= CounterValue.limitsMax
            && shadow.fits(limits: limits.count, nextLimits: nextLimits.count)
    }
}

extension CounterValue {
    func hasInputs(of terms: CounterTerms) -> Bool {
        flags == terms.flags && quota == terms.quota
            && limits.map(\.limit) == terms.limits
            && shadow.limits == terms.shadow.limits
            && shadow.quota == terms.shadow.quota
    }
}

// MARK: Closed counts

extension CounterRules {
    /// Marks the closed counts that PostgreSQL committed with exactly these numbers, and drops
    /// settled ones of earlier periods. Returns how many were marked, and the bytes to store.
    public func settle(
        _ stored: [UInt8]?, _ committed: [CounterValue.Closed]
    ) -> (marked: Int, stored: [UInt8]?) {
        guard let stored, var value = CounterValue(decoding: stored) else { return (0, nil) }
        var marked = 0
        for entry in committed {
            for (index, closed) in value.closed.enumerated() where !closed.isSettled {
                var wanted = entry
                wanted.isSettled = false
                guard closed == wanted else { continue }
                value.closed[index].isSettled = true
                marked += 1
            }
        }
        let count = value.closed.count
        value.closed.removeAll { $0.isSettled && $0.period < value.period }
        return (marked, marked > 0 || value.closed.count < count ? value.encoded : nil)
    }
}
