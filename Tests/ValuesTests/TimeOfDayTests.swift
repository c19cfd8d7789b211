import TestSupport
import Testing
import Values

@Suite(.timed) struct `Time of day` {
    @Test(
        arguments: [
            (0, "00:00:00"), (1_795_428_007_999_999, "10:00:07"), (-1, "23:59:59"),
            (86_399_999_999, "23:59:59"), (86_400_000_000, "00:00:00"),
            (-86_400_000_000, "00:00:00"), (3_661_000_000, "01:01:01"),
        ] as [(Int64, String)])
    func `is the part of an instant below a day`(instant: Int64, text: String) {
        #expect(TimeOfDay(of: instant).description == text)
    }

    @Test(arguments: [Int64.min, -1, 0, 86_399_999_999, .max])
    func `and the day give the instant back`(instant: Int64) {
        let time = TimeOfDay(of: instant).microseconds
        #expect((0..<CivilDate.microsecondsPerDay).contains(time))
        // A difference, because the first day of all begins before the lowest instant.
        let days = CivilDate(containing: instant).daysSince1970
        #expect((days &* CivilDate.microsecondsPerDay) &+ time == instant)
    }
}
