extension Duration {
    /// Reads a length of time as people write it in settings and plans: `250ms`, `1s`, `5m`, `2h`, `1d`.
    ///
    /// A whole number and one unit; a bare number is refused, because nobody can tell its unit.
    /// At most 36,500 days.
    public init?(text: some StringProtocol) {
        let units: [(String, Int64)] = [
            ("ms", 1_000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000),
            ("d", 86_400_000_000),
        ]
        guard let unit = units.first(where: { text.hasSuffix($0.0) }) else { return nil }
        let digits = text.dropLast(unit.0.count)
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }),
            let count = Int64(digits)
        else { return nil }
        let (microseconds, overflow) = count.multipliedReportingOverflow(by: unit.1)
        guard !overflow, microseconds <= 36_500 * 86_400_000_000 else { return nil }
        self = .microseconds(microseconds)
    }

    /// Whole microseconds, rounded towards zero, held inside `Int64`.
    public var wholeMicroseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let sum = product.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        return sum.overflow ? (seconds < 0 ? .min : .max) : sum.partialValue
    }
}
