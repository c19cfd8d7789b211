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
        CivilDate(daysSince1970: microseconds / Month.microsecondsPerDay)
    }

    /// `10:00:07`; what is less than a second is cut off.
    public var timeOfDay: String {
        let second = Int(microseconds % Month.microsecondsPerDay / 1_000_000)
        return [second / 3600, second / 60 % 60, second % 60].map { $0.padded(to: 2) }
            .joined(separator: ":")
    }

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
    /// The last instant that can be written: 9999-12-31 23:59:59.999999 UTC.
    public static let last = UTCTime(inRange: Month.last.end - 1)

    private init(inRange microseconds: Int64) { self.microseconds = microseconds }
}
