import Billing
import Metering

/// One column of the table: the clinic is its subdomain, or its id when it has none.
struct TableColumn {
    let heading: String
    let isNumber: Bool
    private let column: ReportColumn

    /// The month stands in the title, the id in CSV and JSON.
    static let all = [
        TableColumn(heading: "clinic", isNumber: false, column: .subdomain),
        TableColumn(heading: "name", isNumber: false, column: .name),
        TableColumn(heading: "plan", isNumber: false, column: .plan),
        TableColumn(heading: "status", isNumber: false, column: .paymentStatus),
        TableColumn(heading: "users", isNumber: true, column: .users),
        TableColumn(heading: "max", isNumber: true, column: .maxUsers),
        TableColumn(heading: "patients", isNumber: true, column: .patients),
        TableColumn(heading: "max", isNumber: true, column: .maxPatients),
        TableColumn(heading: "api calls", isNumber: true, column: .apiCalls),
        TableColumn(heading: "included", isNumber: true, column: .apiCallsIncluded),
        TableColumn(heading: "bytes stored", isNumber: true, column: .storageUsed),
        TableColumn(heading: "included", isNumber: true, column: .storageIncluded),
    ]

    func cell(of row: ReportRow) -> TableCell {
        if column == .subdomain {
            return TableCell(row.subdomain ?? row.clinic.description, most: 63)
        }
        return switch column.cell(of: row) {
        case .identifier(let text): TableCell(text, most: 36)
        case .text(let text): TableCell(text ?? "", most: 40)
        case .number(let number), .allowance(.limited(let number)):
            TableCell(String(number), most: 20)
        case .allowance(.unlimited): TableCell("unlimited", most: 20)
        case .allowance(.none): TableCell("", most: 20)
        }
    }
}

/// Text that may go to a terminal, with the columns that it takes there.
struct TableCell {
    let text: String
    let width: Int

    /// Makes `text` safe, and cuts it with `…` when it is wider than `most` columns.
    ///
    /// One cluster may pile up any number of marks, so a cluster has at most 8 scalars here; that
    /// bounds what a held row takes.
    init(_ text: String, most: Int) {
        var pieces: [(text: String, width: Int)] = []
        var width = 0
        for character in text {
            let piece = TerminalText.safe(character)
            let step = TerminalText.columns(of: piece)
            guard width + step <= most else {
                while width >= most, let last = pieces.popLast() { width -= last.width }
                pieces.append(("…", 1))
                width += 1
                break
            }
            pieces.append((piece, step))
            width += step
        }
        self.text = pieces.map(\.text).joined()
        self.width = width
    }
}
