extension Duration {
    /// Whole microseconds, rounded towards zero, held inside `Int64`: 1.5 µs is 1.
    public var wholeMicroseconds: Int64 { whole(perSecond: 1_000_000) }

    /// Whole nanoseconds, rounded towards zero, held inside `Int64`, which ends after 292 years.
    public var wholeNanoseconds: Int64 { whole(perSecond: 1_000_000_000) }

    private func whole(perSecond units: Int64) -> Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: units)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let rest = attoseconds / (1_000_000_000_000_000_000 / units)
        let sum = product.addingReportingOverflow(rest)
        return sum.overflow ? (seconds < 0 ? .min : .max) : sum.partialValue
    }
}
