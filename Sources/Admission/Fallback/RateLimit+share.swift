import Quotas

extension RateLimit {
    /// What one of `workers` may admit while none of them can use the common counter.
    ///
    /// 20 a second with a burst of 60, three workers: 20 in 3 s with a burst of 20. A burst of 1
    /// stays 1 for each, so together they may admit `workers` at once.
    func shared(by workers: Int64) -> RateLimit {
        let workers = max(1, workers)
        let (slow, isTooSlow) = emission.multipliedReportingOverflow(by: workers)
        let never = RateLimit(id: id, emission: Self.toleranceMax, tolerance: Self.toleranceMax)
        guard !isTooSlow else { return never ?? self }
        let (tolerance, isTooWide) = slow.multipliedReportingOverflow(by: max(1, burst / workers))
        guard !isTooWide else { return never ?? self }
        return RateLimit(id: id, emission: slow, tolerance: tolerance) ?? never ?? self
    }
}
