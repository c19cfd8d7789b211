public import Metering

/// Tells a count that traffic can explain from one that a broken or lying Redis made up.
public struct MarkPlausibility: Sendable {
    /// Units a second that a clinic can at most use, 1…10^9.
    public let perSecond: Int64

    public init(perSecond: Int64) {
        self.perSecond = min(max(1, perSecond), 1_000_000_000)
    }

    /// Whether `mark` can follow `last`, the latest one the ledger has of the same count.
    ///
    /// Used may rise by `perSecond` for each started second and by one largest cost of 1,000,000 besides;
    /// without an earlier mark the count began with the period. 50,000 a second, 2 s later: 1,100,000.
    public func accepts(_ mark: Mark, after last: Mark?) -> Bool {
        guard mark.used >= 0, mark.credited >= 0, mark.credited <= mark.used else { return false }
        let isSame = last?.period == mark.period && last?.epoch == mark.epoch
        let (before, since) = isSame ? (last?.used ?? 0, last?.seenAt ?? 0) : (0, mark.period)
        let elapsed = mark.seenAt.subtractingReportingOverflow(since)
        guard !elapsed.overflow else { return false }
        let seconds = max(0, elapsed.partialValue) / 1_000_000 + 1
        let rise = seconds.multipliedReportingOverflow(by: perSecond)
        guard !rise.overflow else { return true }
        let most = before.addingReportingOverflow(rise.partialValue)
        guard !most.overflow else { return true }
        let (limit, overflow) = most.partialValue.addingReportingOverflow(
            CheckRequest.costs.upperBound)
        return overflow || mark.used <= limit
    }
}
