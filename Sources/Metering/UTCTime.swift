public import Values

/// An instant of 1970…9999 as a person or another program reads it in UTC.
///
/// Wraps microseconds since 1970-01-01 UTC, which is how Redis and the ledger give times.
public struct UTCTime: Hashable, Sendable {
    /// Microseconds since 1970-01-01 00:00 UTC.
    public let microseconds: Int64

    /// The instant, or nil outside 1970…9999, whose years have other than four digits.
    public init?(microseconds: Int64) {
        guard (Month.first.start..<Month.last.end).contains(microseconds) else { return nil }
        self.microseconds = microseconds
    }

    public var date: CivilDate {
        CivilDate(containing: microseconds)
    }

    /// `10:00:07`; what is less than a second is cut off.
    public var timeOfDay: String { TimeOfDay(of: microseconds).description }

    /// `2026-11-23T10:00:07Z`, by RFC 3339.
    public var rfc3339: String { "\(date)T\(timeOfDay)Z" }
}

extension UTCTime: Comparable {
    public static func < (left: UTCTime, right: UTCTime) -> Bool {
        left.microseconds < right.microseconds
    }
}

extension UTCTime: CustomStringConvertible {
    /// `2026-11-23 10:00:07 UTC`.
    public var description: String { "\(date) \(timeOfDay) UTC" }
}

extension UTCTime {
    /// 1970-01-01 00:00 UTC.
    public static let first = UTCTime(inRange: Month.first.start)

    /// The last instant that can be written: 9999-12-31 23:59:59.999999 UTC.
    public static let last = UTCTime(inRange: Month.last.end - 1)

    private init(inRange microseconds: Int64) { self.microseconds = microseconds }
}

extension UTCTime {
    /// Midnight at the start of a day of 1970…9999.
    public init?(startOf date: CivilDate) {
        self.init(microseconds: date.daysSince1970 * CivilDate.microsecondsPerDay)
    }

    /// Reads `2026-11-23`, which is its midnight, and `2026-11-23T10:00:07Z`.
    public init?(_ text: String) {
        guard let date = CivilDate(String(text.prefix(10))), let midnight = UTCTime(startOf: date)
        else { return nil }
        let clock = Array(text.utf8.dropFirst(10))
        guard !clock.isEmpty else {
            self = midnight
            return
        }
        guard clock.count == 10, clock[0] == UInt8(ascii: "T"), clock[9] == UInt8(ascii: "Z"),
            clock[3] == UInt8(ascii: ":"), clock[6] == UInt8(ascii: ":"),
            let hour = Self.number(clock[1...2], below: 24),
            let minute = Self.number(clock[4...5], below: 60),
            let second = Self.number(clock[7...8], below: 60)
        else { return nil }
        self.init(
            microseconds: midnight.microseconds + (hour * 3_600 + minute * 60 + second) * 1_000_000)
    }

    private static func number(_ digits: ArraySlice<UInt8>, below bound: Int64) -> Int64? {
        guard digits.allSatisfy(\.isASCIIDigit),
            let number = Int64(String(decoding: digits, as: UTF8.self)), number < bound
        else { return nil }
        return number
    }
}
