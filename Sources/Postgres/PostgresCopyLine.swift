/// One row of COPY TO STDOUT: the bytes as sent, with the line end, and their fields.
public struct PostgresCopyLine: Sendable {
    /// Ready to be written to a file, in whatever format the COPY asked for.
    public let bytes: [UInt8]

    /// The fields, for COPY in its text format. Call once per line.
    public func fields() throws(PostgresError) -> PostgresCopyFields {
        PostgresCopyFields(cells: try CopyText.cells(bytes))
    }
}

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
                column: column.label, type: PostgresType.untyped.rawValue,
                text: cells[index].map { $0[...] }))
    }
}
