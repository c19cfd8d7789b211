/// A few rows for a person: aligned columns with two blanks between them, safe for a terminal.
public struct TextTable: Sendable {
    private var lines: [[TableCell]]

    /// The most columns that a cell takes; a longer text is cut with `…`.
    static let mostColumns = 60

    public init(_ heading: [String]) {
        lines = [heading.map { TableCell($0, most: Self.mostColumns) }]
    }

    /// - Parameter row: As many cells as the heading has.
    public mutating func add(_ row: [String]) {
        lines.append(row.map { TableCell($0, most: Self.mostColumns) })
    }

    public var text: String {
        let widths = lines[0].indices.map { column in
            lines.reduce(0) { max($0, $1[column].width) }
        }
        return lines.map { line in
            let cells = zip(line, widths).map { cell, width in
                cell.text + String(repeating: " ", count: width - cell.width)
            }
            let padded = cells.joined(separator: "  ")
            let end = padded.lastIndex { $0 != " " }.map(padded.index(after:))
            return padded[..<(end ?? padded.startIndex)] + "\n"
        }.joined()
    }
}
