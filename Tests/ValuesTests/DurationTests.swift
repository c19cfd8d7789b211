import TestSupport
import Testing
import Values

@Suite(.timed) struct `A length of time as text` {
    @Test(arguments: [
        ("250ms", 250_000), ("1s", 1_000_000), ("5m", 300_000_000), ("2h", 7_200_000_000),
        ("1d", 86_400_000_000), ("0s", 0),
    ])
    func `is a number and a unit`(text: String, microseconds: Int64) {
        #expect(Duration(text: text)?.wholeMicroseconds == microseconds)
    }

    @Test(arguments: [
        "", "1", "s", "-1s", "+1s", "1.5s", "1 s", "1S", "36501d", "99999999999999999999s", "１s",
    ])
    func `is refused otherwise`(text: String) {
        #expect(Duration(text: text) == nil)
    }

    @Test(arguments: [
        (Duration.milliseconds(250), "250ms"), (.seconds(1), "1s"), (.seconds(90), "90s"),
        (.seconds(60), "1m"), (.seconds(7_200), "2h"), (.seconds(86_400), "1d"), (.zero, "0ms"),
    ])
    func `is written in the largest unit that fits`(duration: Duration, text: String) {
        #expect(duration.text == text)
        #expect(Duration(text: duration.text) == duration)
    }
}

@Suite(.timed) struct `A length of time in whole units` {
    @Test(
        arguments: [
            (Duration.nanoseconds(1_999), 1, 1_999), (.nanoseconds(-1_999), -1, -1_999),
            (.zero, 0, 0), (.seconds(2), 2_000_000, 2_000_000_000),
        ] as [(Duration, Int64, Int64)])
    func `is rounded towards zero`(duration: Duration, micro: Int64, nano: Int64) {
        #expect(duration.wholeMicroseconds == micro)
        #expect(duration.wholeNanoseconds == nano)
    }

    @Test func `stays inside 64 bits`() {
        #expect(Duration.seconds(Int64.max).wholeMicroseconds == .max)
        #expect(Duration.seconds(Int64.min).wholeMicroseconds == .min)
        #expect(Duration.seconds(300 * 365 * 86_400).wholeNanoseconds == .max)
        #expect(Duration.seconds(-300 * 365 * 86_400).wholeNanoseconds == .min)
    }
}
