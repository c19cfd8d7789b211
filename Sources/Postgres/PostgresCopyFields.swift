/// The fields of one line of COPY in text format. They have places from 0, and no names or types.
public struct PostgresCopyFields: Sendable, PostgresFields {
    let cells: [[UInt8]?]

    public var count: Int { cells.count }

    public func field(_ column: PostgresColumn) throws(PostgresError) -> PostgresField {
        guard case .index(let index) = column, cells.indices.contains(index) else {
            throw .decoding(column: column.label, expected: "a column", found: "no such column")
        }
        return PostgresField(
            reader: FieldReader(
                column: column.label, type: ColumnType.untyped.rawValue,
                text: cells[index].map { $0[...] }))
    }
}
