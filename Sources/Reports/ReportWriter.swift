public import Billing
import Metering

/// Turns a report into bytes, one row at a time, in memory that does not grow with the report.
///
/// Call `begin` once, `row` for each row in order, `end` once, and write out what each appends to `page`.
public protocol ReportWriter: Sendable {
    mutating func begin(_ head: ReportHead, to page: inout [UInt8])
    mutating func row(_ cells: [ReportCell], to page: inout [UInt8])
    mutating func end(_ age: ReportAge, to page: inout [UInt8])
}

/// The forms that rows come in. Raw values are what `--format` takes.
public enum ReportFormat: String, CaseIterable, Sendable {
    /// Aligned columns for a person, at most ``TableReport/mostRows`` rows.
    case table
    /// RFC 4180 with LF line ends, for spreadsheets and scripts.
    case csv
    /// One object, for programs.
    case json
    /// One object a line, for programs that read as it comes.
    case ndjson

    public func writer() -> any ReportWriter {
        switch self {
        case .table: TableReport()
        case .csv: CSVReport()
        case .json: JSONReport()
        case .ndjson: JSONLinesReport()
        }
    }
}

/// The text of the month that the rows of a report share, made once.
struct MonthText {
    private var known: (month: Month, ascii: [UInt8])?

    mutating func ascii(_ month: Month) -> [UInt8] {
        if let known, known.month == month { return known.ascii }
        let ascii = Array(month.description.utf8)
        known = (month, ascii)
        return ascii
    }
}

extension [UInt8] {
    mutating func append(_ text: String) { append(contentsOf: text.utf8) }

    mutating func append(ascii character: Unicode.Scalar) { append(UInt8(ascii: character)) }

    mutating func append(decimal number: Int64) {
        if number < 0 { append(ascii: "-") }
        append(decimal: number.magnitude)
    }

    private mutating func append(decimal number: UInt64) {
        guard number >= 100_000_000 else { return append(digitsOf: number, least: 1) }
        let (high, low) = number.quotientAndRemainder(dividingBy: 100_000_000)
        append(decimal: high)
        append(digitsOf: low, least: 8)
    }

    /// Up to 8 digits. They come lowest first, so they are packed into a word and leave it the other way round.
    private mutating func append(digitsOf number: UInt64, least: Int) {
        var (rest, packed, count) = (number, UInt64(0), 0)
        repeat {
            packed = packed << 8 | (rest % 10 + 0x30)
            rest /= 10
            count += 1
        } while rest > 0 || count < least
        for _ in 0..<count {
            append(UInt8(truncatingIfNeeded: packed))
            packed >>= 8
        }
    }
}
