/// The price of one unit, exact to twelve decimal places.
public struct UnitPrice: Hashable, Sendable {
    /// Millionths of a millionth of the currency's main unit: `0.40` is 400,000,000,000.
    public let trillionths: Int128

    public static let places = 12

    /// Reads `0.40`: 0 to 999,999,999,999 with at most twelve decimal places.
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
