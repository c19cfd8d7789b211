import Values

/// A whole number of the smallest unit of a currency.
public struct Money: Hashable, Sendable {
    /// Cents for EUR, yen for JPY.
    public let minor: Int64
    public let currency: Currency

    public init(minor: Int64, currency: Currency) {
        self.minor = minor
        self.currency = currency
    }

    /// Reads `99.00` or `99` with no more digits behind the point than the currency has.
    ///
    /// In EUR `99.5` is 9,950 cents; in JPY it is refused. 0 to 999,999,999,999.
    public init?(_ text: String, currency: Currency) {
        guard let minor = ExactDecimal.digits(text, places: currency.exponent),
            let held = Int64(exactly: minor)
        else { return nil }
        self.init(minor: held, currency: currency)
    }
}

extension Money: CustomStringConvertible {
    /// `99.00 EUR`, `1000 JPY`.
    public var description: String {
        "\(ExactDecimal.text(Int128(minor), places: currency.exponent)) \(currency.code)"
    }
}

/// The price of one unit, exact to twelve digits behind the point.
public struct UnitPrice: Hashable, Sendable {
    /// Millionths of a millionth of the currency's main unit: `0.40` is 400,000,000,000.
    public let trillionths: Int128

    public static let places = 12

    /// Reads `0.40`: 0 to 999,999,999,999 with at most twelve digits behind the point.
    public init?(_ text: String) {
        guard let trillionths = ExactDecimal.digits(text, places: Self.places) else { return nil }
        self.trillionths = trillionths
    }
}

extension UnitPrice: CustomStringConvertible {
    /// Without zeros at the end: `0.4`.
    public var description: String {
        let text = ExactDecimal.text(trillionths, places: Self.places)
        let end = text.lastIndex { $0 != "0" } ?? text.startIndex
        return String(text[...end].last == "." ? text[..<end] : text[...end])
    }
}

/// Decimal numbers as people write them, and back, without rounding.
enum ExactDecimal {
    /// The number without its point, filled up to `places` digits behind it: `0.40` at 2 is 40.
    ///
    /// At most twelve digits before the point, no sign, no blanks; nil for anything else.
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
