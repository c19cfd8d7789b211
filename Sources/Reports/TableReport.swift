public import Billing

/// A report as aligned columns for a person.
///
/// The columns can only be aligned when their widest cell is known, so up to ``mostRows`` rows are
/// held and written at the end; the rows after them are counted and left out, with a line that
/// says so. Numbers are whole: calls in cost units, storage in bytes.
public struct TableReport: ReportWriter {
    /// The most rows shown.
    public static let mostRows = 1_000

    private var title = ""
    /// The columns that have a heading, with their places among the cells.
    private var columns: [(place: Int, column: ReportColumn)] = []
    private var lines: [[TableCell]] = []
    private var omitted = 0

    public init() {}

    public mutating func begin(_ head: ReportHead, to output: inout [UInt8]) {
        title = "Billing report for \(head.month)\(Self.kind(head)) (UTC)"
        columns = head.columns.enumerated().filter { $1.heading != nil }
            .map { (place: $0, column: $1) }
    }

    public mutating func row(_ cells: [ReportCell], to output: inout [UInt8]) {
        if lines.count < Self.mostRows {
            lines.append(columns.map { TableCell(cells[$0.place], most: $0.column.most) })
        } else {
            omitted += 1
        }
    }

    public mutating func end(_ age: ReportAge, to output: inout [UInt8]) {
        var text = title + "\n\n" + aligned()
        if lines.isEmpty { text += "no clinics\n" }
        if omitted > 0 {
            text += "the first \(Self.mostRows) of \(lines.count + omitted) rows; "
            text += "--format csv or --format json gives all\n"
        }
        output.append(text + "\n\(age)\n")
    }

    private static func kind(_ head: ReportHead) -> String {
        switch head.kind {
        case .clinics: ""
        case .differences(let month): ", compared with \(month)"
        case .groups(let grouping): ", by \(grouping.rawValue)"
        }
    }

    /// The heading and the rows, two blanks between columns, none at the end of a line.
    private func aligned() -> String {
        let heading = columns.map { TableCell($0.column.heading ?? "", most: 20) }
        let widths = columns.indices.map { place in
            lines.reduce(heading[place].width) { max($0, $1[place].width) }
        }
        var text = ""
        for line in [heading] + lines {
            let cells = zip(zip(columns, widths), line).map { place, cell in
                let blanks = String(repeating: " ", count: place.1 - cell.width)
                return place.0.column.isNumber ? blanks + cell.text : cell.text + blanks
            }
            let padded = cells.joined(separator: "  ")
            let end = padded.lastIndex { $0 != " " }.map(padded.index(after:))
            text += padded[..<(end ?? padded.startIndex)] + "\n"
        }
        return text
    }
}
