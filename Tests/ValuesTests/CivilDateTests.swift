import FoundationEssentials
import Testing
import TestSupport
import Values

@Suite(.timed) struct `Civil date` {
    /// The calendar of another implementation.
    private static let calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar
    }()

    @Test func `agrees with another calendar on days between 1600 and 2500`() {
        let seed = Seed.current("agrees with another calendar on days between 1600 and 2500")
        var random = SplitMix64(seed: seed)
        let edges: [Int64] = [0, -1, 58, 59, 60, 11_016, 11_017, 47_540, 47_541, -719_468]
        for _ in 0..<2_000 {
            let days = Int64.random(in: -135_140...193_920, using: &random)
            expect(days, "seed \(seed)")
        }
        for days in edges.dropLast() { expect(days, "an edge") }
        #expect(CivilDate(daysSince1970: -719_468).description == "0000-03-01")
    }

    @Test func `knows the numbers in its documentation`() {
        #expect(CivilDate(daysSince1970: 20_780).description == "2026-11-23")
        #expect(CivilDate(daysSince1970: -1).description == "1969-12-31")
    }

    private func expect(_ days: Int64, _ hint: String) {
        let date = CivilDate(daysSince1970: days)
        let instant = Date(timeIntervalSince1970: Double(days) * 86_400)
        let parts = Self.calendar.dateComponents([.year, .month, .day], from: instant)
        #expect(date.year == parts.year, "\(hint)")
        #expect(date.month == parts.month, "\(hint)")
        #expect(date.day == parts.day, "\(hint)")
        #expect(date.daysSince1970 == days, "\(hint)")
        #expect(CivilDate(year: date.year, month: date.month, day: date.day) == date, "\(hint)")
    }

    @Test func `holds its first microsecond and not the next day's`() {
        let day = CivilDate(daysSince1970: 20_780)
        #expect(CivilDate(containing: day.end - 1) == day)
        #expect(CivilDate(containing: day.end - CivilDate.microsecondsPerDay) == day)
        #expect(CivilDate(containing: day.end).description == "2026-11-24")
        #expect(CivilDate(containing: -1).description == "1969-12-31")
        #expect(CivilDate(containing: .min).year == -290_308)
        #expect(CivilDate(containing: .max).year == 294_247)
    }

    @Test func `goes ten million years either way`() {
        for days: Int64 in [-3_652_424_999, -719_469, 3_652_424_999] {
            #expect(CivilDate(daysSince1970: days).daysSince1970 == days)
        }
    }

    @Test(arguments: [
        (2026, 2, 29), (2100, 2, 29), (2026, 4, 31), (2026, 13, 1), (2026, 0, 1), (2026, 1, 0),
        (2026, 1, 32), (10_001_970, 1, 1), (.min, 1, 1),
    ])
    func `is none when there is no such day`(year: Int, month: Int, day: Int) {
        #expect(CivilDate(year: year, month: month, day: day) == nil)
    }

    @Test(arguments: [(2000, 2, 29), (2024, 2, 29), (0, 2, 29), (-4, 2, 29), (-1, 12, 31)])
    func `is any other day, before our era too`(year: Int, month: Int, day: Int) {
        let date = CivilDate(year: year, month: month, day: day)
        #expect(date.map { CivilDate(daysSince1970: $0.daysSince1970) } == date && date != nil)
    }

    @Test(arguments: [
        ("1970-01-01", 86_400_000_000), ("2026-12-31", 1_798_761_600_000_000),
        ("2024-02-29", 1_709_251_200_000_000),
    ])
    func `as text ends when the next begins`(text: String, end: Int64) {
        #expect(CivilDate(text)?.end == end)
        #expect(CivilDate(text)?.description == text)
    }

    @Test(arguments: [
        "2026-02-29", "2026-13-01", "2026-00-01", "2026-04-31", "2026-1-01", "26-01-01",
        "2026-01-00", "1969-12-31", "2026/01/01", "", "2026-01-01 ",
    ])
    func `as text is refused when there is no such day`(text: String) {
        #expect(CivilDate(text) == nil)
    }
}
