import Metering

/// What a check is answered with.
public enum QuotaAnswer: Hashable, Sendable {
    case decided(QuotaDecision)
    case unknownClinic
    /// The clinic's plan has no limit of that name.
    case noSuchLimit
}

/// A decision and all numbers behind it.
public struct QuotaDecision: Hashable, Sendable {
    public enum Reason: String, Hashable, Sendable {
        case rateLimit = "rate_limit"
        case quota
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
        /// Whether the check asked this limit.
        public let isAsked: Bool
        /// Whether it said no.
        public let hasDenied: Bool
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
    /// Nil when waiting does not help, or when the call was allowed.
    public let retryAfter: Duration?
    public let limits: [Limit]
    public let period: Period
    /// The clock of Redis at the decision, µs since 1970.
    public let decidedAt: Int64
    public let configVersion: Int64
    /// Whether this process decided alone, because a store was away.
    public var isDegraded = false
}

extension QuotaDecision {
    /// - Parameter names: Names of limits by group; an unknown one is shown by its number.
    init(_ reply: CounterReply, asked: UInt16, name: (LimitID) -> String) {
        isAllowed = reply.verdict == .allowed
        retryAfter = isAllowed || reply.wait < 0 ? nil : .microseconds(reply.wait)
        limits = reply.limits.enumerated().map { index, limit in
            Limit(
                name: name(limit.id), burst: limit.burst, remaining: limit.remaining,
                window: .microseconds(limit.tolerance),
                resetAfter: .microseconds(limit.untilFull), isAsked: limit.id.group == asked,
                hasDenied: reply.mask & (1 << UInt32(index)) != 0)
        }
        period = Period(
            start: reply.mark.period, end: reply.periodEnd, used: reply.usage,
            quota: reply.quota < 0 ? nil : reply.quota)
        decidedAt = reply.now
        configVersion = reply.configVersion
        reasons = Self.reasons(reply)
    }

    /// Reasons of a denial in the order in which they are answered; else why an allowed call is special.
    private static func reasons(_ reply: CounterReply) -> [Reason] {
        var reasons: [Reason] = []
        if reply.mask & CounterReply.endedBit != 0 { reasons.append(.ended) }
        if reply.mask & CounterReply.readOnlyBit != 0 { reasons.append(.readOnly) }
        if reply.mask & 0xFF != 0 { reasons.append(.rateLimit) }
        if reply.mask & CounterReply.quotaBit != 0 { reasons.append(.quota) }
        if reasons.isEmpty, !reply.flags.hasSubscription { reasons.append(.noSubscription) }
        if reply.flags.access == .readOnly { reasons.append(.suspended) }
        return reasons
    }
}
