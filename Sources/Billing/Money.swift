/// A whole number of the smallest unit of a currency.
public struct Money: Hashable, Sendable {
    /// Cents for EUR, yen for JPY.
    public let minor: Int64
    public let currency: Currency

    public init(minor: Int64, currency: Currency) {
        self.minor = minor
        self.currency = currency
    }

    /// Reads `99.00` or `99` with no more decimal places than the currency has.
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
