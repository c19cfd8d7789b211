public import Billing
public import Metering

/// A report as comma-separated values: RFC 4180 with LF line ends, UTF-8, a header line.
///
/// Unlimited, and what a clinic without a subscription does not have, are empty cells. Text that a
/// spreadsheet could take for a formula gets a leading `'`.
public struct CSVReport: ReportWriter {
    public init() {}

    public mutating func begin(month: Month) -> [UInt8] {
        Array((ReportColumn.allCases.map(\.rawValue).joined(separator: ",") + "\n").utf8)
    }

    public mutating func row(_ row: ReportRow) -> [UInt8] {
        var line: [UInt8] = []
        for (index, column) in ReportColumn.allCases.enumerated() {
            if index > 0 { line.append(UInt8(ascii: ",")) }
            line += Self.field(column.cell(of: row))
        }
        line.append(UInt8(ascii: "\n"))
        return line
    }

    /// Nothing: a line after the rows would be read as one of them.
    public mutating func end(_ age: ReportAge) -> [UInt8] { [] }

    private static func field(_ cell: ReportCell) -> [UInt8] {
        switch cell {
        case .identifier(let text): Array(text.utf8)
        case .text(let text): quoted(guarded(Array((text ?? "").utf8)))
        case .number(let number), .allowance(.limited(let number)): Array(String(number).utf8)
        case .allowance(.unlimited), .allowance(.none): []
        }
    }

    /// Looks at bytes, not characters: `=` with an accent on it is another character, yet still a formula.
    private static func guarded(_ text: [UInt8]) -> [UInt8] {
        switch text.first {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"),
            UInt8(ascii: "\t"), UInt8(ascii: "\r"):
            [UInt8(ascii: "'")] + text
        default: text
        }
    }

    /// Quotes what a reader could misread: separators, quotes and every control character.
    private static func quoted(_ text: [UInt8]) -> [UInt8] {
        let quote = UInt8(ascii: "\"")
        let needsQuotes = text.contains { byte in
            byte == quote || byte == UInt8(ascii: ",") || byte < 0x20 || byte == 0x7F
        }
        guard needsQuotes else { return text }
        return [quote] + text.flatMap { $0 == quote ? [quote, quote] : [$0] } + [quote]
    }
}
