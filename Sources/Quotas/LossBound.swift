/// What can be wrong at most by what is decided without the common counter.
///
/// Missing at most: units that Redis may have counted or not, also those whose answer may still come, those that found no room in the journal, and, when the
/// machine itself fails, what the journal had not yet brought to the disk. Too many at most: units that Redis counted
/// after their caller was turned away. What a journal holds is neither: it arrives.
public struct LossBound: Hashable, Sendable, CustomStringConvertible {
    /// Units that may be missing from what is billed, until now.
    public let missing: Int64
    /// Units that may be billed though their callers were turned away, until now.
    public let excess: Int64
    /// Processes that decide, each by itself.
    public let workers: Int64
    /// Units that all of them together let through for a clinic of which nobody knows anything.
    public let perUnknownClinic: Int64
    /// Clinics that this process counts by itself now.
    public let clinics: Int64
    public let onOutage: OutageRule

    /// - Parameter owed: Units of calls that Redis may still answer.
    init(policy: OutagePolicy, workers: Int64, tally: FallbackStats, owed: Int64, counted: Int64) {
        self.workers = max(1, workers)
        missing = tally.ambiguous &+ tally.unkept &+ owed
        excess = tally.excess
        let all = policy.allowance.multipliedReportingOverflow(by: self.workers)
        perUnknownClinic =
            policy.onOutage == .deny ? 0 : all.overflow ? .max : all.partialValue
        clinics = counted
        onOutage = policy.onOutage
    }

    /// Most units that `limit` lets through in `time` µs while `workers` share it: each its share of the burst, one at
    /// least, and then its share of the rate; and once more the burst that Redis had let through just before. Of one
    /// outage: what Redis lets through between two is more, but the share of the burst is given once.
    ///
    /// 20 a second, burst 60, three workers, 10 s: 3 × 20 + 3 × 66 + 60 = 318.
    public static func mostAdmitted(
        by limit: RateLimit, workers: Int64, in time: Int64
    ) -> Int64 {
        let workers = max(1, workers)
        let share = limit.shared(by: workers)
        let each = share.burst.addingReportingOverflow(max(0, time) / share.emission)
        let all = each.partialValue.multipliedReportingOverflow(by: workers)
        let sum = all.partialValue.addingReportingOverflow(limit.burst)
        return each.overflow || all.overflow || sum.overflow ? .max : sum.partialValue
    }

    public var description: String {
        """
        at most \(missing) units missing and \(excess) too many until now; limits are shared by \(workers) workers, \
        clinics unknown to all may use \(perUnknownClinic) units together
        """
    }
}
