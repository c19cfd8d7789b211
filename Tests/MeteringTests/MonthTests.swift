import FoundationEssentials
import Metering
import Testing
import TestSupport

@Suite(.timed) struct `Calendar month` {
    /// The calendar of another implementation.
    static let calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar
    }()

    @Test func `agrees with another calendar for every month from 1970 to 2100`() throws {
        var expected: Month? = Month.first
        for year in 1970...2100 {
            for number in 1...12 {
                let month = try #require(Month(year: year, month: number))
                let parts = DateComponents(year: year, month: number, day: 1)
                let first = try #require(Self.calendar.date(from: parts))
                let seconds = Int64(first.timeIntervalSince1970)
                #expect(month.start == seconds * 1_000_000)
                #expect(month.daysSince1970 == seconds / 86_400)
                #expect(month == expected, "follows the month before it")
                #expect(month.year == year && month.month == number)
                #expect(Month(month.description) == month)
                expected = month.next
                #expect(expected?.previous == month)
                #expect(expected?.start == month.end)
            }
        }
    }

    @Test func `knows the numbers in its documentation`() throws {
        let month = try #require(Month("2026-11"))
        #expect(month.start == 1_793_491_200_000_000)
        #expect(month.daysSince1970 == 20_758)
        #expect(month.firstDay == "2026-11-01")
        #expect(Month(containing: 1_795_428_007_000_000) == month)
    }

    @Test func `holds its first microsecond and not its end`() throws {
        let seed = Seed.current("holds its first microsecond and not its end")
        var random = SplitMix64(seed: seed)
        for _ in 0..<500 {
            let month = try #require(
                Month(
                    year: .random(in: 1970...9998, using: &random),
                    month: .random(in: 1...12, using: &random)))
            #expect(Month(containing: month.start) == month, "seed \(seed)")
            #expect(Month(containing: month.end - 1) == month, "seed \(seed)")
            #expect(Month(containing: month.end) == month.next, "seed \(seed)")
            let inside = Int64.random(in: month.start..<month.end, using: &random)
            #expect(Month(containing: inside) == month, "seed \(seed)")
        }
    }

    @Test func `ends where its calendar ends`() {
        #expect(Month.first.previous == nil && Month.last.next == nil)
        #expect(Month.first.start == 0 && Month.first.description == "1970-01")
        #expect(Month.last.description == "9999-12")
        #expect(Month.last.end == 253_402_300_800_000_000)
        #expect(Month(containing: Month.last.end - 1) == Month.last)
        for outside in [-1, Month.last.end, Int64.min, Int64.max] {
            #expect(Month(containing: outside) == nil)
        }
        #expect(Month(year: 1969, month: 12) == nil && Month(year: 10_000, month: 1) == nil)
        #expect(Month(year: 2026, month: 0) == nil && Month(year: 2026, month: 13) == nil)
    }

    @Test(arguments: [
        "", "2026", "2026-1", "2026-00", "2026-13", "26-11", "+026-11", "2026-+1", "2026-11 ",
        " 2026-11", "2026/11", "2026-11-01", "1969-12", "20260-1", "２０２６-11", "2026-1\u{661}",
    ])
    func `reads nothing but YYYY-MM`(text: String) {
        #expect(Month(text) == nil)
    }

    @Test func `is ordered, and a string in JSON`() throws {
        let months = try ["1999-12", "2000-01", "2026-02", "2026-11"].map {
            try #require(Month($0))
        }
        #expect(months.reversed().sorted() == months)
        let json = try JSONEncoder().encode(months)
        #expect(try JSONDecoder().decode([Month].self, from: json) == months)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([Month].self, from: Data("[\"2026-13\"]".utf8))
        }
    }
}

@Suite(.timed) struct `UTC time` {
    @Test func `prints an instant for people and for programs`() throws {
        let time = try #require(UTCTime(microseconds: 1_795_428_007_999_999))
        #expect(time.description == "2026-11-23 10:00:07 UTC")
        #expect(time.rfc3339 == "2026-11-23T10:00:07Z")
        #expect(UTCTime(microseconds: 0)?.description == "1970-01-01 00:00:00 UTC")
        let last = UTCTime(microseconds: Month.last.end - 1)
        #expect(last?.description == "9999-12-31 23:59:59 UTC")
    }

    @Test func `is nothing outside 1970 to 9999`() {
        #expect(UTCTime(microseconds: -1) == nil)
        #expect(UTCTime(microseconds: Month.last.end) == nil)
    }
}
