import Metering

/// A decision and all numbers behind it.
public struct QuotaDecision: Hashable, Sendable {
    public enum Reason: String, Hashable, Sendable {
        case rateLimit = "rate_limit"
        case quota
        /// As many holds are open as the limit admits.
        case concurrency
        case ended = "subscription_ended"
        /// The clinic may read and export, and this call writes.
        case readOnly = "read_only"
        /// Allowed, because nothing limits a clinic that has no subscription.
        case noSubscription = "no_subscription"
        /// Allowed at a tenth of the rate.
        case suspended
    }

    /// One window of a limit.
    public struct Limit: Hashable, Sendable {
        /// `default`, or `default.sustained` for its sustained part.
        public let name: String
        /// Most units at once.
        public let burst: Int64
        public let remaining: Int64
        /// Time in which an empty limit fills up.
        public let window: Duration
        /// Time until all of the burst is free again.
        public let resetAfter: Duration
        /// Time until one more unit is free than now, at most a unit's share of the window.
        ///
        /// 60 units in 3 s, none left, full again in 2,990 ms: 40 ms; with units left: none.
        public var nextFreeAfter: Duration {
            guard remaining <= 0, burst > 0 else { return .zero }
            return max(
                .zero, resetAfter - window / Int(clamping: burst) * (Int(clamping: burst) - 1))
        }
        /// Whether the check named this limit.
        public let isNamed: Bool
        /// Whether it denied.
        public let hasDenied: Bool
        /// Counted and reported, never obeyed.
        public var isInShadow = false
    }

    /// The month's quota and how much of it is used.
    public struct Period: Hashable, Sendable {
        public let start: Int64
        public let end: Int64
        public let used: Int64
        /// Nil = no quota.
        public let quota: Int64?

        public var remaining: Int64? { quota.map { max(0, $0 &- used) } }
    }

    public let isAllowed: Bool
    public let reasons: [Reason]
    /// When the rest can be admitted. Nil when waiting does not help, when all was allowed, and
    /// when the check was forced.
    public let retryAfter: Duration?
    public let limits: [Limit]
    public let period: Period
    /// The clock of Redis at the decision, µs since 1970.
    public let decidedAt: Int64
    public let configVersion: Int64
    /// Units that were admitted: the cost, none, or for `atMost` as many as fit.
    public let admitted: Int64
    /// What is in shadow and would have denied: names as in `limits`, and `quota`.
    public let wouldDeny: [String]
    /// Whether this process decided alone, because a store was unavailable.
    public var isDegraded = false
}

extension QuotaDecision {
    /// - Parameters:
    ///   - named: Number of the limit that the check named.
    ///   - units: Units of the check.
    ///   - name: Name of a limit by its number; an unknown one is shown by that.
    package init(
        _ reply: CounterReply, named: UInt16, mode: CheckRequest.Mode, units: Int64,
        name: (LimitID) -> String
    ) {
        isAllowed = reply.verdict == .allowed
        let isOver = reply.mask == 0 || mode == .force
        retryAfter = isOver || reply.wait < 0 ? nil : .microseconds(reply.wait)
        admitted = mode == .atMost ? reply.admitted : reply.admitted > 0 ? units : 0
        let quotaWould = reply.wouldDeny & CounterReply.quotaBit != 0
        wouldDeny =
            reply.limits.enumerated().filter { reply.wouldDeny & 1 << UInt32($0.offset) != 0 }
            .map { name($0.element.id) } + (quotaWould ? ["quota"] : [])
        limits = reply.limits.enumerated().map { index, limit in
            Limit(
                name: name(limit.id), burst: limit.burst, remaining: limit.remaining,
                window: .microseconds(limit.tolerance),
                resetAfter: .microseconds(limit.untilFull),
                isNamed: limit.id.group == named,
                hasDenied: reply.mask & (1 << UInt32(index)) != 0,
                isInShadow: reply.shadow & (1 << UInt8(index)) != 0)
        }
        period = Period(reply)
        decidedAt = reply.now
        configVersion = reply.configVersion
        reasons = Self.reasons(reply)
    }

    /// The reasons of a denial, in the order of the answer, even of a denial that a forced check
    /// overruled or that concerns only the rest of `atMost`; otherwise why an allowed call is
    /// special.
    private static func reasons(_ reply: CounterReply) -> [Reason] {
        var reasons: [Reason] = []
        if reply.mask & CounterReply.endedBit != 0 { reasons.append(.ended) }
        if reply.mask & CounterReply.readOnlyBit != 0 { reasons.append(.readOnly) }
        if reply.mask & 0xFF != 0 { reasons.append(.rateLimit) }
        if reply.mask & CounterReply.quotaBit != 0 { reasons.append(.quota) }
        if reply.mask & CounterReply.concurrencyBit != 0 { reasons.append(.concurrency) }
        if reasons.isEmpty, !reply.flags.hasSubscription { reasons.append(.noSubscription) }
        if reply.flags.access == .readOnly { reasons.append(.suspended) }
        return reasons
    }
}

extension QuotaDecision.Period {
    package init(_ reply: CounterReply) {
        self.init(
            start: reply.mark.period, end: reply.periodEnd, used: reply.usage,
            quota: reply.quota < 0 ? nil : reply.quota)
    }
}
