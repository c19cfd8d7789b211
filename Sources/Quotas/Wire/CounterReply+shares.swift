extension CounterReply {
    /// The reply that one of several calls, sent as one `atMost`, would have had alone.
    ///
    /// Three calls of cost 2 of which two are admitted, and 1 unit remains: the first is allowed
    /// with 3 remaining, the second with 1, the third is denied with 1. The mark is the one after
    /// all of them, since only that count is still true.
    /// - Parameters:
    ///   - index: Which call, 0..<`request.count`; the first ones are admitted.
    ///   - request: The one request that was sent for all of them.
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
            // A limit in shadow that would deny counts only the calls that it admits.
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
    /// Last moments within a millisecond of each other count as one.
    public func isSameCall(as other: CheckRequest) -> Bool {
        limit == other.limit && cost == other.cost && writes == other.writes
            && other.mode == .consume && (mode == .consume || mode == .atMost)
            && (notAfter == 0) == (other.notAfter == 0)
            && (notAfter &- other.notAfter).magnitude <= 1_000
    }

    /// Adds one more copy. The request expires with the earliest of its last moments.
    public mutating func add(_ other: CheckRequest) {
        mode = .atMost
        count += 1
        mark = other.mark ?? mark
        notAfter = min(notAfter, other.notAfter)
    }
}
