import Values

/// Reads PostgreSQL's ISO dates and times, strictly. Infinity is no date.
struct CalendarReader {
    private var rest: ArraySlice<UInt8>

    /// `2026-11-23` → 20_780 days since 1970; `0044-03-15 BC` is a date too.
    static func days(_ text: ArraySlice<UInt8>) -> Int64? {
        var reader = CalendarReader(rest: text)
        guard let date = reader.date() else { return nil }
        let isBeforeChrist = reader.takeEra()
        guard reader.rest.isEmpty else { return nil }
        return days(of: date, isBeforeChrist: isBeforeChrist)
    }

    /// `2026-11-23 19:16:04.5+00` → 1_795_461_364_500_000 µs since 1970. Without an offset: UTC.
    static func microseconds(_ text: ArraySlice<UInt8>) -> Int64? {
        var reader = CalendarReader(rest: text)
        guard let date = reader.date(), reader.take(" "), let time = reader.time(),
            let offset = reader.offset()
        else { return nil }
        let isBeforeChrist = reader.takeEra()
        guard reader.rest.isEmpty, let days = days(of: date, isBeforeChrist: isBeforeChrist) else {
            return nil
        }
        let (midnight, overflow) = days.multipliedReportingOverflow(
            by: CivilDate.microsecondsPerDay)
        let (moment, late) = midnight.addingReportingOverflow(time - offset)
        return overflow || late ? nil : moment
    }

    private typealias Parts = (year: Int64, month: Int64, day: Int64)

    /// Of a year that PostgreSQL can store: 4714 BC to 294276.
    private static func days(of date: Parts, isBeforeChrist: Bool) -> Int64? {
        let year = isBeforeChrist ? 1 - date.year : date.year
        guard (-5_000...300_000).contains(year) else { return nil }
        return CivilDate(year: Int(year), month: Int(date.month), day: Int(date.day))?.daysSince1970
    }

    private mutating func date() -> Parts? {
        guard let year = number(digits: 4...6), take("-"), let month = number(digits: 2...2),
            take("-"), let day = number(digits: 2...2)
        else { return nil }
        return (year, month, day)
    }

    /// Microseconds since midnight. PostgreSQL prints up to six digits of a second's fraction.
    private mutating func time() -> Int64? {
        guard let hour = number(digits: 2...2), take(":"), let minute = number(digits: 2...2),
            take(":"), let second = number(digits: 2...2), hour < 25, minute < 60, second < 61
        else { return nil }
        let whole = ((hour * 60 + minute) * 60 + second) * 1_000_000
        guard take(".") else { return whole }
        let width = rest.prefix(while: \.isASCIIDigit).count
        guard var fraction = number(digits: 1...6) else { return nil }
        for _ in width..<6 { fraction *= 10 }
        return whole + fraction
    }

    /// Microseconds east of UTC: `+05:30` → 19_800_000_000.
    private mutating func offset() -> Int64? {
        let sign: Int64
        if take("+") { sign = 1 } else if take("-") { sign = -1 } else { return 0 }
        guard var seconds = number(digits: 2...2).map({ $0 * 3_600 }) else { return nil }
        for unit in [Int64(60), 1] where take(":") {
            guard let part = number(digits: 2...2) else { return nil }
            seconds += part * unit
        }
        return sign * seconds * 1_000_000
    }

    private mutating func takeEra() -> Bool {
        guard rest.elementsEqual(" BC".utf8) else { return false }
        rest = []
        return true
    }

    private mutating func take(_ mark: Unicode.Scalar) -> Bool {
        guard let first = rest.first, first == UInt8(ascii: mark) else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func number(digits: ClosedRange<Int>) -> Int64? {
        let text = rest.prefix(while: \.isASCIIDigit)
        guard digits.contains(text.count) else { return nil }
        rest = rest.dropFirst(text.count)
        return text.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }
}
