public import Billing
import Metering
import Values

/// A report as aligned columns for a person.
///
/// The columns can only be aligned when their widest cell is known, so up to ``mostRows`` rows are
/// held and written at the end; the rows after them are counted and left out, with a line that
/// says so. Numbers are whole: calls in cost units, storage in bytes.
public struct TableReport: ReportWriter {
    /// The most rows shown.
    public static let mostRows = 1_000

    private var title = ""
    /// The places of the columns that have a heading.
    private var places: [Int] = []
    private var table = TextTable(columns: [])
    private var omitted = 0

    public init() {}

    public mutating func begin(_ head: ReportHead, to output: inout [UInt8]) {
        title = "Billing report for \(head.month)\(Self.kind(head)) (UTC)"
        let columns = head.columns.enumerated().compactMap { place, column in
            column.heading.map { (place: place, heading: $0, column: column) }
        }
        places = columns.map(\.place)
        table = TextTable(
            columns: columns.map {
                TextTable.Column(
                    $0.heading, isNumber: $0.column.isNumber, most: $0.column.most)
            })
    }

    public mutating func row(_ cells: [ReportCell], to output: inout [UInt8]) {
        if table.count < Self.mostRows {
            table.add(places.map { Self.text(cells[$0]) })
        } else {
            omitted += 1
        }
    }

    public mutating func end(_ age: ReportAge, to output: inout [UInt8]) {
        var text = title + "\n\n" + table.text
        if table.count == 0 { text += "no clinics\n" }
        if omitted > 0 {
            text += "the first \(Self.mostRows) of \(table.count + omitted) rows; "
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

    private static func text(_ cell: ReportCell) -> String {
        switch cell {
        case .month(let month): month.description
        case .clinic(let clinic): clinic.description
        case .subdomain(let text, let clinic): text ?? clinic.description
        case .text(let text): text ?? ""
        case .number(let number): number.map { String($0) } ?? ""
        case .allowance(.limited(let number)): String(number)
        case .allowance(.unlimited): "unlimited"
        case .allowance(.none): ""
        }
    }
}
