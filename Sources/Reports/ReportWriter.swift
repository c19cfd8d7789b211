public import Billing

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

extension [UInt8] {
    mutating func append(_ text: String) { append(contentsOf: text.utf8) }

    mutating func append(ascii character: Unicode.Scalar) { append(UInt8(ascii: character)) }

    mutating func append(decimal number: Int64) {
        let start = count
        var rest = number.magnitude
        repeat {
            append(UInt8(truncatingIfNeeded: rest % 10) + UInt8(ascii: "0"))
            rest /= 10
        } while rest > 0
        if number < 0 { append(ascii: "-") }
        self[start...].reverse()
    }
}
