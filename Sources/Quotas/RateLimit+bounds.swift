extension RateLimit {
    /// Most units that are admitted in any span of time, in µs, by one store that forgets nothing.
    ///
    /// 20 a second with a burst of 60, in any minute: 60 + 1,200 = 1,260. docs/admission.md says the rest.
    public func mostAdmitted(in span: Int64) -> Int64 {
        let (sum, overflow) = burst.addingReportingOverflow(max(0, span) / emission)
        return overflow ? .max : sum
    }
}
