/// Dates and times as PostgreSQL writes them with `DateStyle=ISO` and `TimeZone=UTC`.
///
/// `2026-11-23 19:16:04.5+00` is 1_795_461_364_500_000 µs since 1970, and its day is 20_780.
enum CalendarText {
    static let microsecondsPerDay: Int64 = 86_400_000_000

    /// Days since 1970-01-01 of a date of the proleptic Gregorian calendar; nil when there is no such date.
    ///
    /// Years are counted from March, so that the leap day is the last of its year, in cycles of 400
    /// years of 146,097 days. 1970-01-01 → 0, 2000-03-01 → 11,017.
    static func days(year: Int64, month: Int64, day: Int64) -> Int64? {
        guard (-5_000...300_000).contains(year), (1...12).contains(month), day >= 1,
            day <= length(of: month, in: year)
        else { return nil }
        let marchYear = month > 2 ? year : year - 1
        let cycle = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfCycle = marchYear - cycle * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfCycle = yearOfCycle * 365 + yearOfCycle / 4 - yearOfCycle / 100 + dayOfYear
        return cycle * 146_097 + dayOfCycle - 719_468
    }

    static func length(of month: Int64, in year: Int64) -> Int64 {
        if month == 2 {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            return leap ? 29 : 28
        }
        return [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// The reverse of `days`. 20_780 → (2026, 11, 23).
    static func date(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let cycle = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfCycle = shifted - cycle * 146_097
        let yearOfCycle =
            (dayOfCycle - dayOfCycle / 1_460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    /// Year 0 is 1 BC.
    static func text(days: Int64) -> String {
        let (year, month, day) = date(days: days)
        let shown = year > 0 ? year : 1 - year
        let text = "\(padded(shown, to: 4))-\(padded(month, to: 2))-\(padded(day, to: 2))"
        return year > 0 ? text : text + " BC"
    }

    static func text(microseconds: Int64) -> String {
        let (quotient, rest) = microseconds.quotientAndRemainder(dividingBy: microsecondsPerDay)
        let (day, time) = rest < 0 ? (quotient - 1, rest + microsecondsPerDay) : (quotient, rest)
        let seconds = time / 1_000_000
        let clock = [seconds / 3_600, seconds / 60 % 60, seconds % 60]
            .map { padded($0, to: 2) }.joined(separator: ":")
        let date = text(days: day)
        let era = date.hasSuffix(" BC") ? " BC" : ""
        return "\(date.dropLast(era.count)) \(clock).\(padded(time % 1_000_000, to: 6))+00\(era)"
    }

    private static func padded(_ number: Int64, to width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
