public import Billing
public import Metering

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
/// is what a clinic without a subscription does not have; `plan` tells these two apart.
public struct JSONReport: ReportWriter {
    private var hasRows = false

    public init() {}

    public mutating func begin(month: Month) -> [UInt8] {
        Array("{\"schema\":\"billing-report/1\",\"month\":\"\(month)\",\"rows\":[".utf8)
    }

    public mutating func row(_ row: ReportRow) -> [UInt8] {
        var line = Array((hasRows ? ",\n{" : "\n{").utf8)
        hasRows = true
        for (index, column) in ReportColumn.allCases.enumerated() {
            line += Array("\(index == 0 ? "" : ",")\"\(column.rawValue)\":".utf8)
            line += Self.value(column.cell(of: row))
        }
        line.append(UInt8(ascii: "}"))
        return line
    }

    public mutating func end(_ age: ReportAge) -> [UInt8] {
        let asOf = Self.value(.text(age.asOf?.rfc3339))
        return Array((hasRows ? "\n" : "").utf8) + Array("],\"as_of\":".utf8) + asOf
            + Array("}\n".utf8)
    }

    private static func value(_ cell: ReportCell) -> [UInt8] {
        switch cell {
        case .identifier(let text): string(text)
        case .text(let text): text.map(string) ?? Array("null".utf8)
        case .number(let number), .allowance(.limited(let number)): Array(String(number).utf8)
        case .allowance(.unlimited), .allowance(.none): Array("null".utf8)
        }
    }

    /// A string by RFC 8259: quote, backslash and the characters below U+0020 are escaped, DEL too
    /// because a terminal may act on it.
    private static func string(_ text: String) -> [UInt8] {
        var escaped: [UInt8] = [UInt8(ascii: "\"")]
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): escaped += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): escaped += Array("\\n".utf8)
            case UInt8(ascii: "\r"): escaped += Array("\\r".utf8)
            case UInt8(ascii: "\t"): escaped += Array("\\t".utf8)
            case ..<0x20, 0x7F:
                let digits = String(byte, radix: 16)
                escaped += Array((digits.utf8.count == 1 ? "\\u000" : "\\u00").utf8)
                escaped += Array(digits.utf8)
            default: escaped.append(byte)
            }
        }
        return escaped + [UInt8(ascii: "\"")]
    }
}
