import Metering

extension CounterRules {
    /// Decides one request on a value that was brought up to now.
    func decide(_ request: CheckRequest, before: CounterValue, _ value: CounterValue) -> Outcome {
        guard let headroom = Headroom(for: request, in: value, at: now) else {
            return unchanged(.noSuchLimit)
        }
        var value = value
        let counts = headroom.admitted > 0 && request.mode != .peek
        if counts {
            // Below 2^53 + 10^12.
            let used = value.used + headroom.admitted * request.cost
            guard used <= CounterValue.countMax else { return unchanged(.invalid) }
            value.used = used
            value.count(request, headroom, at: now)
        }
        let denial = headroom.denial(to: request, in: value, at: now)
        let reply = CounterReply(
            verdict: headroom.admitted > 0 ? .allowed : .denied, flags: value.flags,
            mask: denial.mask,
            configVersion: value.version, mark: (counts ? value : before).mark(seenAt: now),
            now: now, wait: denial.wait, usage: value.usage, quota: value.quota,
            periodEnd: value.periodEnd,
            limits: value.limits.map { CounterReply.Limit($0.limit, time: $0.time, now: now) },
            wouldDeny: denial.wouldDeny, admitted: headroom.admitted, clean: headroom.clean,
            shadow: value.shadow.limits)
        return Outcome(reply: reply, stored: counts ? value.encoded : nil)
    }

    /// How many copies of a request fit, before any of them is counted.
    fileprivate struct Headroom {
        /// The limits that apply: the time that is used of each, µs, and the copies that it admits.
        var limits: [(index: Int, ahead: Int64, fits: Int64)] = []
        /// Copies that the quota admits.
        var quota: Int64
        /// Copies that all obeyed limits admit, and copies that are admitted; a forced check makes
        /// them differ.
        var obeyed: Int64
        var admitted: Int64 = 0
        /// Of the admitted copies, those that everything in shadow admits too.
        var clean: Int64
        /// The copy whose denial the reply reports: the first that is not admitted, else the last.
        var tried: Int64 { min(obeyed + 1, count) }
        private let count: Int64

        /// Nil when the clinic has no limit of that name.
        init?(for request: CheckRequest, in value: CounterValue, at now: Int64) {
            count = request.count
            (obeyed, clean, quota) = (count, count, count)
            for (index, timed) in value.limits.enumerated()
            where timed.limit.id.group == request.limit {
                let ahead = timed.ahead(of: now)
                let units = (timed.limit.tolerance - ahead) / timed.limit.emission
                let fits = units / request.cost
                limits.append((index, ahead, fits))
                lower(to: fits, inShadow: value.shadow.hasLimit(index))
            }
            let isKnown = request.limit <= LimitID.defaultGroup || !limits.isEmpty
            guard isKnown || request.mode == .force else { return nil }
            if value.quota >= 0 {
                quota = min(count, max(0, value.quota &- value.usage) / request.cost)
                lower(to: quota, inShadow: value.shadow.quota)
            }
            if value.flags.isClosed || value.isBarred(request) { obeyed = 0 }
            admitted = obeyed
            // A deleted clinic's counter waits to be forgotten and may not move.
            if request.mode == .force { admitted = value.flags.access == .gone ? 0 : 1 }
            clean = min(clean, admitted)
        }

        private mutating func lower(to fits: Int64, inShadow: Bool) {
            if inShadow { clean = min(clean, fits) } else { obeyed = min(obeyed, fits) }
        }
    }
}

extension CounterValue {
    fileprivate func isBarred(_ request: CheckRequest) -> Bool {
        request.writes && flags.access == .readOnly
    }

    /// Moves the times of the limits that apply. A limit in shadow moves as if all limits in shadow
    /// were obeyed, and none moves further than its tolerance.
    fileprivate mutating func count(
        _ request: CheckRequest, _ headroom: CounterRules.Headroom, at now: Int64
    ) {
        for (index, ahead, _) in headroom.limits {
            let isObeyed = request.mode == .force || !shadow.hasLimit(index)
            let copies = isObeyed ? headroom.admitted : headroom.clean
            guard copies > 0 else { continue }
            let limit = limits[index].limit
            let units = copies * request.cost
            let free = (limit.tolerance - ahead) / limit.emission
            limits[index].time =
                now + (units > free ? limit.tolerance : ahead + units * limit.emission)
        }
    }
}

extension CounterValue.Timed {
    /// How far ahead of `now` everything admitted is paid for, µs: 0…tolerance.
    fileprivate func ahead(of now: Int64) -> Int64 {
        // A foreign value may hold any time, and a difference would overflow.
        max(now, min(time, now + limit.tolerance)) - now
    }
}

// MARK: What denied

extension CounterRules.Headroom {
    fileprivate struct Denial {
        var mask: UInt32 = 0
        var wouldDeny: UInt32 = 0
        var wait: Int64 = 0

        /// - Parameter wait: nil when waiting does not help.
        mutating func add(_ bit: UInt32, wait time: Int64?, inShadow: Bool = false) {
            if inShadow { return wouldDeny |= bit }
            mask |= bit
            guard wait >= 0, let time else { return wait = -1 }
            wait = max(wait, time)
        }
    }

    fileprivate func denial(
        to request: CheckRequest, in value: CounterValue, at now: Int64
    ) -> Denial {
        var denial = Denial()
        for (index, ahead, fits) in limits where fits < tried {
            let limit = value.limits[index].limit
            // All obeyed limits admit the copies before this one, so those fit into the tolerance.
            let canFit = request.cost <= limit.burst && !value.shadow.hasLimit(index)
            let paid = canFit ? ahead + (obeyed + 1) * request.cost * limit.emission : 0
            denial.add(
                1 << UInt32(index), wait: canFit ? paid - limit.tolerance : nil,
                inShadow: value.shadow.hasLimit(index))
        }
        if quota < tried {
            let fitsNext = value.nextQuota < 0 || request.cost <= value.nextQuota
            denial.add(
                CounterReply.quotaBit, wait: fitsNext ? value.periodEnd - now : nil,
                inShadow: value.shadow.quota)
        }
        if value.flags.isClosed { denial.add(CounterReply.endedBit, wait: nil) }
        if value.isBarred(request) { denial.add(CounterReply.readOnlyBit, wait: nil) }
        return denial
    }
}

// MARK: The mark

extension CounterValue {
    func mark(seenAt now: Int64) -> Mark {
        Mark(
            period: period, epoch: epoch, used: used, credited: credited, configVersion: version,
            seenAt: now)
    }
}
