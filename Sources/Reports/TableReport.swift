public import Billing
public import Metering

/// A report as aligned columns for a person.
///
/// The columns can only be aligned when their widest cell is known, so up to ``mostRows`` rows are
/// held and written at the end; the rows after them are counted and left out, with a line that
/// says so. Numbers are whole: calls in cost units, storage in bytes.
public struct TableReport: ReportWriter {
    /// The most rows shown.
    public static let mostRows = 1_000

    private var title = ""
    private var lines: [[TableCell]] = []
    private var omitted = 0

    public init() {}

    public mutating func begin(month: Month) -> [UInt8] {
        title = "Billing report for \(month) (UTC)"
        return []
    }

    public mutating func row(_ row: ReportRow) -> [UInt8] {
        if lines.count < Self.mostRows {
            lines.append(TableColumn.all.map { $0.cell(of: row) })
        } else {
            omitted += 1
        }
        return []
    }

    public mutating func end(_ age: ReportAge) -> [UInt8] {
        var text = title + "\n\n" + aligned()
        if lines.isEmpty { text += "no clinics\n" }
        if omitted > 0 {
            text += "the first \(Self.mostRows) of \(lines.count + omitted) rows; "
            text += "--format csv or --format json gives all\n"
        }
        return Array((text + "\n\(age)\n").utf8)
    }

    /// The heading and the rows, two blanks between columns, none at the end of a line.
    private func aligned() -> String {
        let heading = TableColumn.all.map { TableCell($0.heading, most: 20) }
        let widths = TableColumn.all.indices.map { column in
            lines.reduce(heading[column].width) { max($0, $1[column].width) }
        }
        var text = ""
        for line in [heading] + lines {
            let cells = zip(zip(TableColumn.all, widths), line).map { place, cell in
                let blanks = String(repeating: " ", count: place.1 - cell.width)
                return place.0.isNumber ? blanks + cell.text : cell.text + blanks
            }
            let padded = cells.joined(separator: "  ")
            let end = padded.lastIndex { $0 != " " }.map(padded.index(after:))
            text += padded[..<(end ?? padded.startIndex)] + "\n"
        }
        return text
    }
}
