import Metering

/// Numbers as a person reads them on a page. All are whole; tenths are cut off.
enum HTMLNumbers {
    /// 1234567 → `1,234,567`.
    static func grouped(_ number: Int64) -> String { sign(number) + grouped(number.magnitude) }

    static func grouped(_ number: UInt64) -> String {
        let digits = Array(String(number))
        var text = ""
        for (place, digit) in digits.enumerated() {
            if place > 0, (digits.count - place).isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return text
    }

    /// 1234567 → `1.2 M`; below 100,000 every digit is shown.
    static func compact(_ number: Int64) -> String {
        sign(number)
            + (number.magnitude < 100_000
                ? grouped(number.magnitude)
                : scaled(number.magnitude, by: 1_000, ["", "k", "M", "bn", "tn", "qd", "qn"]))
    }

    /// A label of a scale: 1500 → `1.5 k`, 2000 → `2 k`.
    static func short(_ number: UInt64) -> String {
        scaled(number, by: 1_000, ["", "k", "M", "bn", "tn", "qd", "qn"])
    }

    /// 1610612736 → `1.5 GiB`.
    static func bytes(_ number: Int64) -> String {
        sign(number)
            + scaled(number.magnitude, by: 1_024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
    }

    private static func sign(_ number: Int64) -> String { number < 0 ? "\u{2212}" : "" }

    private static func scaled(_ number: UInt64, by step: UInt64, _ units: [String]) -> String {
        var (unit, size) = (0, UInt64(1))
        while number / size >= step, unit + 1 < units.count {
            size *= step
            unit += 1
        }
        let (whole, rest) = number.quotientAndRemainder(dividingBy: size)
        // Below 2^64 ÷ 10 for every unit, because the rest is below 2^60.
        let tenth = whole < 100 ? rest * 10 / size : 0
        let text = tenth > 0 ? "\(whole).\(tenth)" : "\(whole)"
        return units[unit].isEmpty ? text : "\(text)\u{A0}\(units[unit])"
    }

    /// How `now` stands to `before`: `12 % more than`, `the same as`; nil when there was nothing
    /// before.
    static func change(_ now: Int64, from before: Int64) -> String? {
        guard before > 0, now >= 0 else { return nil }
        guard now != before else { return "the same as" }
        let apart = now > before ? now - before : before - now
        let percent = permille(apart, of: before, upTo: 100_000) / 10
        let size =
            percent == 0
            ? "less than 1" : percent >= 10_000 ? "over 9,999" : grouped(Int64(percent))
        return "\(size)\u{A0}% \(now > before ? "more" : "less") than"
    }

    /// A part of a limit in hundredths; above 999 the number says little.
    static func percent(_ share: Int64) -> String {
        share > 999 ? ">\u{202F}999\u{A0}%" : "\(share)\u{A0}%"
    }

    /// Thousandths of `whole` that `part` is, 0 to `most`: 1 of 3 is 333. No overflow for any
    /// numbers.
    static func permille(_ part: Int64, of whole: Int64, upTo most: Int = 1_000) -> Int {
        guard part > 0, whole > 0 else { return 0 }
        return permille(part.magnitude, of: whole.magnitude, upTo: most)
    }

    static func permille(_ part: UInt64, of whole: UInt64, upTo most: Int = 1_000) -> Int {
        guard whole > 0, part / whole < UInt64(most / 1_000) else { return whole > 0 ? most : 0 }
        let product = part.multipliedFullWidth(by: 1_000)
        return Int(whole.dividingFullWidth((product.high, product.low)).quotient)
    }

    /// 375 → `37.5%`, as SVG reads it.
    static func length(_ permille: Int) -> String { "\(permille / 10).\(permille % 10)%" }

    static let monthNames = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ]

    /// `November 2026`.
    static func name(_ month: Month) -> String { "\(monthNames[month.month - 1]) \(month.year)" }

    /// `Nov`.
    static func shortName(_ month: Month) -> String {
        String(monthNames[month.month - 1].prefix(3))
    }
}
