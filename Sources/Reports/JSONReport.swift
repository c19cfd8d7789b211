public import Billing
import Metering

/// A report as one JSON object, written as the rows come:
///
/// ```
/// {"schema":"billing-report/1","month":"2026-11","rows":[
/// {"month":"2026-11","clinic_id":…},
/// …
/// ],"as_of":"2026-11-23T10:00:07Z"}
/// ```
///
/// A row has the columns of the CSV form as keys. Numbers are integers, unlimited is null, and so
/// is what a clinic without a subscription does not have; `plan` tells these two apart. A report that
/// compares or groups says so between `month` and `rows`.
public struct JSONReport: ReportWriter {
    private var hasRows = false
    private var line = JSONLine([])

    public init() {}

    public mutating func begin(_ head: ReportHead, to page: inout [UInt8]) {
        line = JSONLine(head.columns)
        page.append("{\"schema\":\"billing-report/1\",\"month\":\"\(head.month)\",")
        switch head.kind {
        case .clinics: break
        case .differences(let month): page.append("\"compared_month\":\"\(month)\",")
        case .groups(let grouping): page.append("\"group_by\":\"\(grouping.rawValue)\",")
        }
        page.append("\"rows\":[")
    }

    public mutating func row(_ cells: [ReportCell], to page: inout [UInt8]) {
        page.append(hasRows ? ",\n" : "\n")
        hasRows = true
        line.write(cells, to: &page)
    }

    public mutating func end(_ age: ReportAge, to page: inout [UInt8]) {
        page.append(hasRows ? "\n],\"as_of\":" : "],\"as_of\":")
        line.write(.text(age.asOf?.rfc3339), to: &page)
        page.append("}\n")
    }
}

/// A report as lines of JSON: the rows of ``JSONReport``, one object a line, and nothing else.
public struct JSONLinesReport: ReportWriter {
    private var line = JSONLine([])

    public init() {}

    public mutating func begin(_ head: ReportHead, to page: inout [UInt8]) {
        line = JSONLine(head.columns)
    }

    public mutating func row(_ cells: [ReportCell], to page: inout [UInt8]) {
        line.write(cells, to: &page)
        page.append(ascii: "\n")
    }

    public mutating func end(_ age: ReportAge, to page: inout [UInt8]) {}
}

/// How a row becomes an object.
struct JSONLine {
    /// `{"month":` and so on: what stands before each value.
    private let openings: [[UInt8]]
    private var months = MonthText()

    init(_ columns: [ReportColumn]) {
        openings = columns.enumerated().map { index, column in
            Array("\(index == 0 ? "{" : ",")\"\(column.name)\":".utf8)
        }
    }

    mutating func write(_ cells: [ReportCell], to page: inout [UInt8]) {
        for (opening, cell) in zip(openings, cells) {
            page += opening
            write(cell, to: &page)
        }
        page.append(ascii: "}")
    }

    mutating func write(_ cell: ReportCell, to page: inout [UInt8]) {
        switch cell {
        case .month(let month):
            page.append(ascii: "\"")
            page += months.ascii(month)
            page.append(ascii: "\"")
        case .clinic(let clinic):
            page.append(ascii: "\"")
            page += clinic.ascii
            page.append(ascii: "\"")
        case .text(let text?), .subdomain(let text?, _): Self.write(text, to: &page)
        case .number(let number?), .allowance(.limited(let number)):
            page.append(decimal: number)
        case .text, .subdomain, .number, .allowance: page.append("null")
        }
    }

    /// A string by RFC 8259: quote, backslash and the characters below U+0020 are escaped, DEL too
    /// because a terminal may act on it.
    private static func write(_ text: String, to page: inout [UInt8]) {
        page.append(ascii: "\"")
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                page.append(ascii: "\\")
                page.append(byte)
            case UInt8(ascii: "\n"): page.append("\\n")
            case UInt8(ascii: "\r"): page.append("\\r")
            case UInt8(ascii: "\t"): page.append("\\t")
            case ..<0x20, 0x7F:
                page.append(byte < 0x10 ? "\\u000" : "\\u00")
                page.append(String(byte, radix: 16))
            default: page.append(byte)
            }
        }
        page.append(ascii: "\"")
    }
}
