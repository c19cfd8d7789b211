extension Duration {
    /// Reads a length of time as people write it in settings, plans and options: `250ms`, `1s`,
    /// `5m`, `2h`, `1d`.
    ///
    /// A whole number and one unit. A bare number is refused, because its unit would be a guess.
    /// At most 36,500 days.
    public init?(text: some StringProtocol) {
        let units: [(String, Int64)] = [
            ("ms", 1_000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000),
            ("d", 86_400_000_000),
        ]
        guard let unit = units.first(where: { text.hasSuffix($0.0) }) else { return nil }
        let digits = text.dropLast(unit.0.count)
        guard !digits.isEmpty, digits.utf8.allSatisfy(\.isASCIIDigit), let count = Int64(digits)
        else { return nil }
        let (microseconds, overflow) = count.multipliedReportingOverflow(by: unit.1)
        guard !overflow, microseconds <= 36_500 * 86_400_000_000 else { return nil }
        self = .microseconds(microseconds)
    }

    /// The shortest text that `init(text:)` reads back: 90 s is `90s`, 60 s is `1m`. Whole
    /// milliseconds; what is less is cut off.
    public var text: String {
        let milliseconds = wholeMicroseconds / 1_000
        let units: [(String, Int64)] = [
            ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000),
        ]
        for (unit, length) in units
        where milliseconds != 0 && milliseconds.isMultiple(of: length) {
            return "\(milliseconds / length)\(unit)"
        }
        return "\(milliseconds)ms"
    }
}
