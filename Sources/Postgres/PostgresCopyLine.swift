/// One row of COPY TO STDOUT: the bytes as sent, with the line end, and their fields.
public struct PostgresCopyLine: Sendable {
    /// Ready to be written to a file, in the format that the COPY names.
    public let bytes: [UInt8]

    /// The fields, for COPY in its text format. Call once per line.
    public func fields() throws(PostgresError) -> PostgresCopyFields {
        PostgresCopyFields(cells: try CopyText.cells(bytes))
    }
}
