public import Metering

/// Distinguishes a count that traffic can explain from one that a broken or hostile Redis made up.
public struct MarkPlausibility: Sendable {
    /// Units a second that a clinic without faster limits can at most use, 1…10^9.
    public let perSecond: Int64

    public init(perSecond: Int64) {
        self.perSecond = min(max(1, perSecond), 1_000_000_000)
    }

    /// Whether `mark` can follow `last`, the latest one the ledger has of the same count.
    ///
    /// Used may rise by `perSecond`, or by what the plan's limits admit when that is more, for each
    /// started second, and by one burst or one largest cost of 1,000,000 besides; without an
    /// earlier mark the count started with the period. 50,000 a second, 1 s later: 1,100,000.
    public func accepts(_ mark: Mark, after last: Mark?, pace: Pace = .none) -> Bool {
        guard mark.used >= 0, mark.credited >= 0, mark.credited <= mark.used else { return false }
        let isSame = last?.period == mark.period && last?.epoch == mark.epoch
        let (before, since) = isSame ? (last?.used ?? 0, last?.seenAt ?? 0) : (0, mark.period)
        let elapsed = mark.seenAt.subtractingReportingOverflow(since)
        guard !elapsed.overflow else { return false }
        let seconds = max(0, elapsed.partialValue) / 1_000_000 + 1
        let rise = seconds.multipliedReportingOverflow(by: max(perSecond, pace.perSecond))
        guard !rise.overflow else { return true }
        let most = before.addingReportingOverflow(rise.partialValue)
        guard !most.overflow else { return true }
        let (limit, overflow) = most.partialValue.addingReportingOverflow(
            max(CheckRequest.costs.upperBound, pace.burst))
        return overflow || mark.used <= limit
    }

    /// What the limits of a plan admit, all together.
    public struct Pace: Hashable, Sendable {
        public var perSecond: Int64
        public var burst: Int64

        public static let none = Pace(perSecond: 0, burst: 0)

        public init(perSecond: Int64, burst: Int64) {
            (self.perSecond, self.burst) = (perSecond, burst)
        }

        /// The pace of the limits in a reply: 60 units at once that refill in 3 s are 20 a second.
        public init(_ limits: [CounterReply.Limit]) {
            self = limits.reduce(.none) { sum, limit in
                let emission = max(1, limit.tolerance / max(1, limit.burst))
                return Pace(
                    perSecond: sum.perSecond + 1_000_000 / emission + 1,
                    burst: min(sum.burst, 1 << 53) + min(limit.burst, 1 << 53))
            }
        }

        /// 20 units a second with a burst of 60: 20 and 60, rounded up.
        public init(_ limits: [RateLimit]) {
            self = limits.reduce(.none) { sum, limit in
                Pace(
                    perSecond: sum.perSecond + 1_000_000 / limit.emission + 1,
                    burst: min(sum.burst, 1 << 53) + limit.burst)
            }
        }
    }
}
