/// A day of the proleptic Gregorian calendar in UTC.
///
/// The arithmetic counts years from 1 March, so that the leap day is the last day of its year and
/// the lengths of the months before it follow one straight line: the months from March on begin
/// (153 × m + 2) / 5 days after 1 March, m = 0 for March. 400 years are always 146,097 days.
/// 1970-01-01 is day 719,468 counted from 0000-03-01.
public struct CivilDate: Hashable, Sendable {
    /// Year 0 is 1 BC.
    public let year: Int
    /// 1…12.
    public let month: Int
    /// 1…31.
    public let day: Int

    public static let microsecondsPerDay: Int64 = 86_400_000_000

    private static let daysIn400Years: Int64 = 146_097
    private static let daysTo1970: Int64 = 719_468
    private static let years = -9_998_030...10_001_969

    /// The date of a day count. Day 20,780 is 2026-11-23; day −1 is 1969-12-31.
    /// - Parameter days: Days since 1970-01-01, within ten million years of it.
    public init(daysSince1970 days: Int64) {
        precondition(days.magnitude < 3_652_425_000, "the day lies within ten million years")
        let shifted = days + Self.daysTo1970
        let cycle = shifted.flooredDivision(by: Self.daysIn400Years)
        let dayOfCycle = shifted - cycle * Self.daysIn400Years
        // Leap days passed before this day: one every 4 years, but not every 100, but every 400.
        let leapDays = dayOfCycle / 1_460 - dayOfCycle / 36_524 + dayOfCycle / 146_096
        let yearOfCycle = (dayOfCycle - leapDays) / 365
        let yearStart = 365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100
        let dayOfYear = dayOfCycle - yearStart
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = Int(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
        month = Int(monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9)
        year = Int(cycle * 400 + yearOfCycle) + (monthFromMarch < 10 ? 0 : 1)
    }

    /// The day that holds an instant. 1,795,428,007,000,000 lies in 2026-11-23; −1 in 1969-12-31.
    /// - Parameter microseconds: Microseconds since 1970-01-01 00:00 UTC.
    public init(containing microseconds: Int64) {
        self.init(daysSince1970: microseconds.flooredDivision(by: Self.microsecondsPerDay))
    }

    /// A day by its numbers; nil when there is no such day, as in 2026-02-29.
    /// - Parameter year: Within ten million years of 1970.
    public init?(year: Int, month: Int, day: Int) {
        guard Self.years.contains(year), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        (self.year, self.month, self.day) = (year, month, day)
        // A day that the month does not have is a day of the next one.
        guard day <= 28 || CivilDate(daysSince1970: daysSince1970) == self else { return nil }
    }

    /// Reads `2026-11-23`, a day of 1970…9999 that exists.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.map(\.utf8.count) == [4, 2, 2],
            parts.allSatisfy({ $0.utf8.allSatisfy(\.isASCIIDigit) }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]),
            (1970...9999).contains(year)
        else { return nil }
        self.init(year: year, month: month, day: day)
    }

    /// Days from 1970-01-01: 20,780 for 2026-11-23.
    public var daysSince1970: Int64 {
        Self.days(toFirstOf: month, year: year) + Int64(day) - 1
    }

    /// The moment after the day's last in UTC, µs since 1970. Of a day within 100,000 years of it.
    public var end: Int64 { (daysSince1970 + 1) * Self.microsecondsPerDay }

    /// Days from 1970-01-01 to the first day of a month. 2026-11 gives 20,758.
    /// - Parameters:
    ///   - month: 1…12.
    ///   - year: Within ten million years of 1970.
    public static func days(toFirstOf month: Int, year: Int) -> Int64 {
        precondition(years.contains(year) && (1...12).contains(month), "a month that exists")
        let marchYear = Int64(month > 2 ? year : year - 1)
        let monthFromMarch = Int64(month > 2 ? month - 3 : month + 9)
        let cycle = marchYear.flooredDivision(by: 400)
        let yearOfCycle = marchYear - cycle * 400
        let yearStart = 365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100
        let dayOfYear = (153 * monthFromMarch + 2) / 5
        return cycle * daysIn400Years + yearStart + dayOfYear - daysTo1970
    }
}

extension CivilDate: CustomStringConvertible {
    /// `2026-11-23`.
    public var description: String {
        "\(year.padded(to: 4))-\(month.padded(to: 2))-\(day.padded(to: 2))"
    }
}

extension Int64 {
    /// Division that rounds towards minus infinity: −1 by 10 is −1. `divisor` is more than 0.
    func flooredDivision(by divisor: Int64) -> Int64 {
        let (quotient, rest) = quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? quotient - 1 : quotient
    }
}
