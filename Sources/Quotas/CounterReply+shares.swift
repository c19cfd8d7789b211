extension CounterReply {
    /// What one of several calls that were asked as one `atMost` would have been answered alone.
    ///
    /// Three calls of cost 2 of which two are admitted, and 1 unit remains: the first is allowed with 3
    /// remaining, the second with 1, the third is denied with 1. The mark is the one after all of them, since
    /// only that count is still true.
    /// - Parameters:
    ///   - index: Which call, 0..<`request.count`; the first ones are admitted.
    ///   - request: What was asked for all together.
    public func share(of index: Int64, in request: CheckRequest) -> CounterReply {
        guard verdict == .allowed || verdict == .denied else { return self }
        var share = self
        guard index < admitted else {
            (share.verdict, share.admitted, share.clean) = (.denied, 0, 0)
            return share
        }
        let isClean = index < clean
        (share.admitted, share.clean) = (1, isClean ? 1 : 0)
        (share.mask, share.wait) = (0, 0)
        if isClean { share.wouldDeny = 0 }
        let later = admitted - 1 - index
        share.usage -= later * request.cost
        for place in limits.indices where limits[place].id.group == request.limit {
            // A limit in shadow that would deny counts the calls that it admits, and no other.
            let isShadow = wouldDeny & (1 << UInt32(place)) != 0
            let behind = isShadow ? max(0, clean - 1 - index) : later
            share.limits[place].giveBack(behind * request.cost, at: now)
        }
        return share
    }
}

extension CounterReply.Limit {
    /// The limit before `units` of it were used. The numbers come from outside and may be any.
    fileprivate mutating func giveBack(_ units: Int64, at now: Int64) {
        guard units > 0, burst > 0 else { return }
        let (paid, overflow) = units.multipliedReportingOverflow(by: emission)
        remaining = min(burst, remaining + units)
        untilFull = overflow ? 0 : max(0, untilFull - paid)
        time = now + untilFull
    }
}

extension CheckRequest {
    /// Whether `other` can be one more copy of this request, which is one `consume` or several.
    ///
    /// Last moments that lie within a millisecond are one.
    public func isSameCall(as other: CheckRequest) -> Bool {
        limit == other.limit && cost == other.cost && writes == other.writes
            && other.mode == .consume && (mode == .consume || mode == .atMost)
            && (notAfter == 0) == (other.notAfter == 0)
            && (notAfter &- other.notAfter).magnitude <= 1_000
    }

    /// Becomes one copy more. It is worth nothing once the first of its last moments has passed.
    public mutating func add(_ other: CheckRequest) {
        mode = .atMost
        count += 1
        mark = other.mark ?? mark
        notAfter = min(notAfter, other.notAfter)
    }
}
