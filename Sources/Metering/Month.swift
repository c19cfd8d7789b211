import Values

/// A calendar month in UTC, 1970-01 to 9999-12: the period that usage is billed by.
public struct Month: Hashable, Sendable {
    public static let first = Month(index: 0)
    public static let last = Month(index: 8_030 * 12 - 1)

    /// Months since 1970-01.
    private let index: Int32

    private init(index: Int32) { self.index = index }

    /// The month of a year, or nil outside 1970…9999 and 1…12.
    public init?(year: Int, month: Int) {
        guard (1970...9999).contains(year), (1...12).contains(month) else { return nil }
        self.init(index: Int32((year - 1970) * 12 + month - 1))
    }

    /// The month that holds an instant, or nil when that lies outside 1970…9999.
    ///
    /// 1,795,428,007,000,000 (2026-11-23 10:00:07 UTC) lies in 2026-11.
    /// - Parameter microseconds: Microseconds since 1970-01-01 00:00 UTC.
    public init?(containing microseconds: Int64) {
        let date = CivilDate(containing: microseconds)
        self.init(year: date.year, month: date.month)
    }

    public var year: Int { 1970 + Int(index) / 12 }
    /// 1…12.
    public var month: Int { Int(index) % 12 + 1 }

    /// The month after this one, or nil after 9999-12.
    public var next: Month? { self == .last ? nil : Month(index: index + 1) }
    /// The month before this one, or nil before 1970-01.
    public var previous: Month? { self == .first ? nil : Month(index: index - 1) }

    /// Days from 1970-01-01 to the first day of the month: 20,758 for 2026-11.
    public var daysSince1970: Int64 { CivilDate.days(toFirstOf: month, year: year) }

    /// The first microsecond of the month, in microseconds since 1970-01-01 00:00 UTC.
    ///
    /// 2026-11 starts at 1,793,491,200,000,000. The last month starts below 2^58, so nothing here
    /// can overflow.
    public var start: Int64 { daysSince1970 * CivilDate.microsecondsPerDay }

    /// The first microsecond after the month, which is the start of the next one.
    public var end: Int64 {
        let (year, month) = month == 12 ? (year + 1, 1) : (year, month + 1)
        return CivilDate.days(toFirstOf: month, year: year) * CivilDate.microsecondsPerDay
    }
}

extension Month: Comparable {
    public static func < (left: Month, right: Month) -> Bool { left.index < right.index }
}

extension Month: LosslessStringConvertible {
    /// Reads `2026-11` and nothing else: four digits, a hyphen, two digits.
    public init?(_ description: String) {
        let text = Array(description.utf8)
        guard text.count == 7, text[4] == UInt8(ascii: "-"),
            let year = Self.number(text[0..<4]), let month = Self.number(text[5..<7])
        else { return nil }
        self.init(year: year, month: month)
    }

    /// `2026-11`.
    public var description: String { "\(year.padded(to: 4))-\(month.padded(to: 2))" }

    /// `2026-11-01`, which PostgreSQL reads as a `date`.
    public var firstDay: String { "\(self)-01" }

    /// `Int(_:)` would also read signs, so digits are read here. At most four of them.
    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        var value = 0
        for digit in digits {
            guard digit.isASCIIDigit else { return nil }
            value = value * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return value
    }
}

extension Month: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let month = Month(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a month is written YYYY-MM, 1970-01 to 9999-12")
        }
        self = month
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
