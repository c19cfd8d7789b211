/// Rows for a person: aligned columns with two blanks between them, safe for a terminal.
public struct TextTable: Sendable {
    /// One column: what stands above it, and how its cells are laid out.
    public struct Column: Sendable {
        let heading: String
        let isNumber: Bool
        let most: Int

        /// - Parameters:
        ///   - isNumber: Whether cells stand at the right, as numbers do.
        ///   - most: The most columns of the terminal that a cell takes; a longer text is cut with
        ///     `…`.
        public init(_ heading: String, isNumber: Bool = false, most: Int = 60) {
            (self.heading, self.isNumber, self.most) = (heading, isNumber, most)
        }
    }

    private typealias Cell = (text: String, width: Int)

    private let columns: [Column]
    private var rows: [[Cell]] = []

    public init(columns: [Column]) { self.columns = columns }

    public init(_ headings: [String]) { self.init(columns: headings.map { Column($0) }) }

    /// The rows added, without the heading.
    public var count: Int { rows.count }

    /// - Parameter row: As many cells as there are columns.
    public mutating func add(_ row: [String]) {
        rows.append(zip(row, columns).map { TerminalText.fitted($0, in: $1.most) })
    }

    /// The heading and the rows, each ending with a line feed and without blanks before it.
    public var text: String {
        let heading = columns.map { TerminalText.fitted($0.heading, in: $0.most) }
        let widths = columns.indices.map { place in
            rows.reduce(heading[place].width) { max($0, $1[place].width) }
        }
        return ([heading] + rows).map { line(of: $0, widths) }.joined()
    }

    private func line(of row: [Cell], _ widths: [Int]) -> String {
        let cells = zip(zip(columns, widths), row).map { place, cell in
            let (column, width) = place
            let blanks = String(repeating: " ", count: width - cell.width)
            return column.isNumber ? blanks + cell.text : cell.text + blanks
        }
        let padded = cells.joined(separator: "  ")
        let end = padded.lastIndex { $0 != " " }.map(padded.index(after:))
        return padded[..<(end ?? padded.startIndex)] + "\n"
    }
}
