import Billing
import Metering

/// Text that may go to a terminal, with the columns that it takes there.
struct TableCell {
    let text: String
    let width: Int

    init(_ cell: ReportCell, most: Int) {
        switch cell {
        case .month(let month): self.init(month.description, most: most)
        case .clinic(let clinic): self.init(clinic.description, most: most)
        case .subdomain(let text, let clinic):
            self.init(text ?? clinic.description, most: most)
        case .text(let text): self.init(text ?? "", most: most)
        case .number(let number): self.init(number.map { String($0) } ?? "", most: most)
        case .allowance(.limited(let number)): self.init(String(number), most: most)
        case .allowance(.unlimited): self.init("unlimited", most: most)
        case .allowance(.none): self.init("", most: most)
        }
    }

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
