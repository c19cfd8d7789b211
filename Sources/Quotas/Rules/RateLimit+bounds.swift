extension RateLimit {
    /// Most units that one store which loses nothing admits in any span of time, in µs.
    ///
    /// 20 a second with a burst of 60, in any minute: 60 + 1,200 = 1,260. docs/admission.md derives
    /// the bound.
    public func mostAdmitted(in span: Int64) -> Int64 {
        let (sum, overflow) = burst.addingReportingOverflow(max(0, span) / emission)
        return overflow ? .max : sum
    }
}
