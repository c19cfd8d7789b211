/// One row of an answer. Rows of one answer share their column names.
public struct PostgresRow: Sendable, PostgresFields {
    let shape: RowShape
    /// All fields behind one another; `cells` says where each lies, nil for NULL.
    let bytes: [UInt8]
    let cells: [Range<Int>?]

    public var count: Int { cells.count }
    public var columnNames: [String] { shape.names }

    public func field(_ column: PostgresColumn) throws(PostgresError) -> PostgresField {
        let index: Int
        switch column {
        case .index(let place): index = place
        case .name(let name): index = shape.places[name] ?? -1
        }
        guard cells.indices.contains(index) else {
            throw .decoding(
                column: "\(column.label)", expected: "a column", found: "no such column")
        }
        return PostgresField(
            reader: FieldReader(
                column: shape.names[index], type: shape.types[index],
                text: cells[index].map { bytes[$0] }))
    }
}

extension PostgresColumn {
    var label: String {
        switch self {
        case .name(let name): name
        case .index(let place): "\(place)"
        }
    }
}

extension PostgresRow: CustomStringConvertible, CustomDebugStringConvertible {
    /// The column names: values never reach a log by accident.
    public var description: String { "row(\(shape.names.joined(separator: ", ")))" }
    public var debugDescription: String { description }
}
