public import Billing
import Metering

/// A report as comma-separated values: RFC 4180 with LF line ends, UTF-8, a header line.
///
/// Unlimited, and what a clinic without a subscription does not have, are empty cells. Text that a
/// spreadsheet could take for a formula gets a leading `'`.
public struct CSVReport: ReportWriter {
    private var months = MonthText()

    public init() {}

    public mutating func begin(_ head: ReportHead, to output: inout [UInt8]) {
        output.append(head.columns.map(\.name).joined(separator: ",") + "\n")
    }

    public mutating func row(_ cells: [ReportCell], to output: inout [UInt8]) {
        var isFirst = true
        for cell in cells {
            if !isFirst { output.append(ascii: ",") }
            isFirst = false
            write(cell, to: &output)
        }
        output.append(ascii: "\n")
    }

    /// Nothing: a line after the rows would be read as one of them.
    public mutating func end(_ age: ReportAge, to output: inout [UInt8]) {}

    private mutating func write(_ cell: ReportCell, to output: inout [UInt8]) {
        switch cell {
        case .month(let month): output += months.ascii(month)
        case .clinic(let clinic): output += clinic.ascii
        case .text(let text?), .subdomain(let text?, _): Self.write(text, to: &output)
        case .number(let number?), .allowance(.limited(let number)):
            output.append(decimal: number)
        case .text, .subdomain, .number, .allowance: break
        }
    }

    /// Looks at bytes, not characters: `=` with an accent on it is another character, yet still a
    /// formula.
    /// Quotes what a reader could misread: separators, quotes and every control character.
    private static func write(_ text: String, to output: inout [UInt8]) {
        let start = output.count
        if let first = text.utf8.first, isFormula(first) { output.append(ascii: "'") }
        output.append(contentsOf: text.utf8)
        guard output[start...].contains(where: needsQuotes) else { return }
        let plain = Array(output[start...])
        output.removeSubrange(start...)
        output.append(ascii: "\"")
        for byte in plain {
            if byte == UInt8(ascii: "\"") { output.append(byte) }
            output.append(byte)
        }
        output.append(ascii: "\"")
    }

    private static func needsQuotes(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: ",") || byte == 0x7F
    }

    private static func isFormula(_ first: UInt8) -> Bool {
        switch first {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"),
            UInt8(ascii: "\t"), UInt8(ascii: "\r"):
            true
        default: false
        }
    }
}
