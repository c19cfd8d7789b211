import Values

/// Dates and times as PostgreSQL writes them with `DateStyle=ISO` and `TimeZone=UTC`.
///
/// `2026-11-23 19:16:04.5+00` is 1_795_461_364_500_000 µs since 1970, and its day is 20_780.
enum CalendarText {
    static func text(days: Int64) -> String {
        let date = CivilDate(daysSince1970: days)
        return text(date) + era(date)
    }

    static func text(microseconds: Int64) -> String {
        let (date, time) = (CivilDate(containing: microseconds), TimeOfDay(of: microseconds))
        let fraction = (time.microseconds % 1_000_000).padded(to: 6)
        return "\(text(date)) \(time).\(fraction)+00\(era(date))"
    }

    /// PostgreSQL knows no year 0: the year before 1 AD is 1 BC.
    private static func text(_ date: CivilDate) -> String {
        let year = date.year > 0 ? date.year : 1 - date.year
        return "\(year.padded(to: 4))-\(date.month.padded(to: 2))-\(date.day.padded(to: 2))"
    }

    private static func era(_ date: CivilDate) -> String { date.year > 0 ? "" : " BC" }
}
