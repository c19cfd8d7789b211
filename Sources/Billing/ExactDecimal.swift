import Values

/// Decimal numbers as people write them, and back, without rounding.
enum ExactDecimal {
    /// The number scaled to `places` decimal places: `0.40` at 2 is 40.
    ///
    /// At most twelve digits before the point, no sign, no spaces; nil for anything else.
    static func digits(_ text: String, places: Int) -> Int128? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, (1...12).contains(whole.utf8.count),
            whole == "0" || whole.first != "0"
        else { return nil }
        let fraction = parts.count == 2 ? parts[1] : ""
        guard parts.count == 1 || (1...max(1, places)).contains(fraction.utf8.count),
            fraction.utf8.count <= places,
            (whole + fraction).utf8.allSatisfy(\.isASCIIDigit)
        else { return nil }
        let zeros = String(repeating: "0", count: places - fraction.utf8.count)
        return Int128(whole + fraction + zeros)
    }

    /// 40 at 2 places is `0.40`. `number` is 0 or more.
    static func text(_ number: Int128, places: Int) -> String {
        guard places > 0 else { return "\(number)" }
        let digits = "\(number)"
        let filled = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
        return "\(filled.dropLast(places)).\(filled.suffix(places))"
    }
}
