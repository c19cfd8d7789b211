import Glibc

/// The last minute of a month in UTC.
///
/// Servers count in the month that their clock shows. A test that began in that minute would find half of its units
/// in the next month, so it begins when the month has turned. What takes longer than a minute adds both months up.
public enum MonthEnd {
    /// Returns at once, or, in the last minute of a month, when that is over.
    public static func pass() async throws {
        try await waitUntil("the month turns", within: .seconds(90)) { !isNear(time(nil)) }
    }

    /// - Parameter now: Seconds since 1970.
    public static func isNear(_ now: Int) -> Bool { month(of: now) != month(of: now + 60) }

    /// The month's number in its year, from 0.
    public static func month(of seconds: Int) -> Int32 {
        var (seconds, fields) = (seconds, tm())
        gmtime_r(&seconds, &fields)
        return fields.tm_mon
    }
}
