import Billing
import Metering

/// How a row becomes an object.
struct JSONRowWriter {
    /// `{"month":` and so on: what stands before each value.
    private let openings: [[UInt8]]
    private var months = MonthText()

    init(_ columns: [ReportColumn]) {
        openings = columns.enumerated().map { index, column in
            Array("\(index == 0 ? "{" : ",")\"\(column.name)\":".utf8)
        }
    }

    mutating func write(_ cells: [ReportCell], to output: inout [UInt8]) {
        for (opening, cell) in zip(openings, cells) {
            output += opening
            write(cell, to: &output)
        }
        output.append(ascii: "}")
    }

    mutating func write(_ cell: ReportCell, to output: inout [UInt8]) {
        switch cell {
        case .month(let month):
            output.append(ascii: "\"")
            output += months.ascii(month)
            output.append(ascii: "\"")
        case .clinic(let clinic):
            output.append(ascii: "\"")
            output += clinic.ascii
            output.append(ascii: "\"")
        case .text(let text?), .subdomain(let text?, _): Self.write(text, to: &output)
        case .number(let number?), .allowance(.limited(let number)):
            output.append(decimal: number)
        case .text, .subdomain, .number, .allowance: output.append("null")
        }
    }

    /// A string by RFC 8259: quote, backslash and the characters below U+0020 are escaped, DEL too
    /// because a terminal may act on it.
    private static func write(_ text: String, to output: inout [UInt8]) {
        output.append(ascii: "\"")
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                output.append(ascii: "\\")
                output.append(byte)
            case UInt8(ascii: "\n"): output.append("\\n")
            case UInt8(ascii: "\r"): output.append("\\r")
            case UInt8(ascii: "\t"): output.append("\\t")
            case ..<0x20, 0x7F:
                output.append(byte < 0x10 ? "\\u000" : "\\u00")
                output.append(String(byte, radix: 16))
            default: output.append(byte)
            }
        }
        output.append(ascii: "\"")
    }
}
