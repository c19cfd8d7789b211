public import Metering

/// Everything that a counter knows about a clinic besides its counts.
public struct CounterTerms: Hashable, Sendable {
    public var flags: StandingFlags
    /// Rises with every change of an input; a lower one never replaces a higher one.
    public var version: Int64
    /// Start of the period at the time of reading, µs since 1970, and the ends of it and of the
    /// next.
    public var period: Int64
    public var periodEnd: Int64
    public var nextPeriodEnd: Int64
    /// Units a period admits; −1 = no quota.
    public var quota: Int64
    public var nextQuota: Int64
    public var limits: [RateLimit]
    /// Limits of the next period; none = they stay.
    public var nextLimits: [RateLimit]
    /// Units of `basePeriod` counted outside `baseEpoch`; taken over only while both still run.
    public var base: Int64
    public var basePeriod: Int64
    public var baseEpoch: Epoch
    public var shadow: Shadow

    public init(
        flags: StandingFlags, version: Int64, period: Int64, periodEnd: Int64, nextPeriodEnd: Int64,
        quota: Int64, nextQuota: Int64, limits: [RateLimit], nextLimits: [RateLimit] = [],
        base: Int64, basePeriod: Int64, baseEpoch: Epoch, shadow: Shadow = .none
    ) {
        self.flags = flags
        self.version = version
        self.period = period
        self.periodEnd = periodEnd
        self.nextPeriodEnd = nextPeriodEnd
        self.quota = quota
        self.nextQuota = nextQuota
        self.limits = limits
        self.nextLimits = nextLimits
        self.base = base
        self.basePeriod = basePeriod
        self.baseEpoch = baseEpoch
        self.shadow = shadow
    }

    /// The argument of `metering_configure`; `upkeep.lua` describes it.
    public func encoded(nonce: UInt64) -> [UInt8] {
        var writer = LittleEndianWriter(capacity: 88 + (limits.count + nextLimits.count) * 14)
        writer.write(
            [flags.rawValue, UInt8(limits.count), UInt8(nextLimits.count)] + shadow.bytes + [0, 0])
        for number in [version, period, periodEnd, nextPeriodEnd, quota, nextQuota, basePeriod] {
            writer.write(number)
        }
        writer.write(opaque: baseEpoch.rawValue)
        writer.write(base)
        writer.write(opaque: nonce)
        for limit in limits + nextLimits { writer.write(limit) }
        return writer.bytes
    }

    /// The counter learns the next period only this long before it starts, µs: two days.
    ///
    /// So a clock of Redis that jumps ahead for a moment finds no period to roll into: the counter
    /// answers STALE, and PostgreSQL, which has a clock of its own, is read before any month is
    /// entered.
    public static let foresight: Int64 = 2 * 86_400_000_000

    /// These terms without the next period, unless that starts soon.
    package func asKnown(at now: Int64) -> CounterTerms {
        guard periodEnd - now > Self.foresight else { return self }
        var known = self
        known.nextPeriodEnd = 0
        return known
    }

    /// Terms made before a period ended and used after it: their next period is the current one.
    func shifted(to now: Int64) -> CounterTerms? {
        guard now >= periodEnd else { return self }
        guard nextPeriodEnd != 0, now < nextPeriodEnd else { return nil }
        var shifted = self
        (shifted.period, shifted.periodEnd, shifted.nextPeriodEnd) = (periodEnd, nextPeriodEnd, 0)
        shifted.quota = nextQuota
        shifted.base = 0
        if !nextLimits.isEmpty {
            (shifted.limits, shifted.nextLimits) = (nextLimits, [])
            shifted.shadow.turn()
        }
        return shifted
    }
}
