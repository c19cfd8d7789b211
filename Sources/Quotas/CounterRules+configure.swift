import Metering

extension CounterRules {
    /// Replaces bounds, quota and limits; counts stay. Creates the value when it is missing.
    public func configure(
        _ stored: [UInt8]?, _ configuration: CounterTerms, nonce: UInt64
    ) -> Outcome {
        guard configuration.isInRange else { return unchanged(.invalid) }
        guard let configuration = configuration.shifted(to: now) else { return unchanged(.stale) }
        guard let stored else {
            // A base that leaves an epoch out is no base for a new one.
            guard configuration.baseEpoch == .none else { return unchanged(.miss) }
            return configured(created(configuration, nonce: nonce), configuration)
        }
        guard let before = CounterValue(decoding: stored) else { return unchanged(.unreadable) }
        if configuration.version < before.version { return refused(.older, before) }
        let isOtherPeriod =
            configuration.period < before.period
            || (configuration.period > before.period && now < before.periodEnd)
        if isOtherPeriod { return refused(.otherPeriod, before) }

        var value = before
        if configuration.period > before.period {
            guard value.enterPeriod(configuration.period) else { return unchanged(.unsettled) }
        } else if configuration.version == before.version, !before.hasInputs(of: configuration) {
            return refused(.conflict, before)
        }
        if value.stamp != stamp, !switchEpoch(&value, nonce: nonce) {
            return unchanged(.unsettled)
        }
        if configuration.baseEpoch == value.epoch, configuration.basePeriod == value.period {
            // PostgreSQL may not have a closed count yet, so nothing falls before it has. A new version is somebody's
            // wish, as a refund is.
            let mayFall =
                configuration.version > before.version || !value.hasUnsettled(of: value.period)
            value.base = mayFall ? configuration.base : max(value.base, configuration.base)
        }
        return configured(value, configuration)
    }

    private func created(_ configuration: CounterTerms, nonce: UInt64) -> CounterValue {
        CounterValue(
            flags: configuration.flags, version: configuration.version, stamp: stamp,
            epoch: mint(stamp, now, .none, nonce), period: configuration.period, used: 0,
            credited: 0, granted: 0, base: configuration.base, periodEnd: 0, nextPeriodEnd: 0,
            quota: 0, nextQuota: 0, limits: [], nextLimits: [], closed: [])
    }

    private func configured(
        _ old: CounterValue, _ configuration: CounterTerms
    ) -> Outcome {
        var value = old
        value.flags = configuration.flags
        value.version = configuration.version
        (value.periodEnd, value.nextPeriodEnd) =
            (configuration.periodEnd, configuration.nextPeriodEnd)
        (value.quota, value.nextQuota) = (configuration.quota, configuration.nextQuota)
        value.replaceLimits(configuration.limits, at: now)
        value.nextLimits = configuration.nextLimits
        value.shadow = configuration.shadow
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
    func hasInputs(of configuration: CounterTerms) -> Bool {
        flags == configuration.flags && quota == configuration.quota
            && limits.map(\.limit) == configuration.limits
            && shadow.limits == configuration.shadow.limits
            && shadow.quota == configuration.shadow.quota
    }
}

// MARK: Closed counts

extension CounterRules {
    /// Marks the closed counts that PostgreSQL committed with exactly these numbers, and drops settled
    /// ones of earlier periods. Returns how many were marked, and the bytes to store.
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
