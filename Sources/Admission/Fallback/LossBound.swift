public import Quotas

/// What decisions without the common counter can get wrong at most.
///
/// Missing at most:
/// - units that Redis may have counted or not, and units whose reply may still come;
/// - units that the journal had no space for;
/// - when the machine itself fails, what the journal had not yet written to the disk.
///
/// Too many at most: units that Redis counted after their caller was denied. Units in the journal
/// are neither: they arrive.
public struct LossBound: Hashable, Sendable, CustomStringConvertible {
    /// Units that may be missing from what is billed, until now.
    public let missing: Int64
    /// Units that may be billed although their callers were denied, until now.
    public let excess: Int64
    /// Processes that decide, each by itself.
    public let workers: Int64
    /// Units that all processes together admit for a clinic whose terms none of them knows.
    public let perUnknownClinic: Int64
    /// Clinics that this process counts by itself now.
    public let clinics: Int64
    public let onOutage: OutageRule

    /// - Parameter pending: Units of calls that Redis may still answer.
    init(
        policy: OutagePolicy, workers: Int64, stats: FallbackStats, pending: Int64, counted: Int64
    ) {
        self.workers = max(1, workers)
        missing = stats.ambiguous &+ stats.unkept &+ pending
        excess = stats.excess
        let all = policy.allowance.multipliedReportingOverflow(by: self.workers)
        perUnknownClinic =
            policy.onOutage == .deny ? 0 : all.overflow ? .max : all.partialValue
        clinics = counted
        onOutage = policy.onOutage
    }

    /// Most units that `limit` admits in `time` µs of one outage while `workers` share it.
    ///
    /// Each worker admits its share of the burst, one unit at least, and then its share of the
    /// rate. Redis may have admitted the whole burst just before. Between two outages Redis admits
    /// more, but the share of the burst is given once.
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
        at most \(missing) units missing and \(excess) too many until now; limits are shared by \
        \(workers) workers, clinics unknown to all may use \(perUnknownClinic) units together
        """
    }
}
