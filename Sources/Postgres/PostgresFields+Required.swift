public import Values

extension PostgresFields {
    private func required<Value>(
        _ value: Value?, _ expected: String, _ column: PostgresColumn
    ) throws(PostgresError) -> Value {
        guard let value else { throw try field(column).reader.failure(expected, found: "NULL") }
        return value
    }

    public func int64(_ column: PostgresColumn) throws(PostgresError) -> Int64 {
        try required(optionalInt64(column), "int64", column)
    }

    public func bool(_ column: PostgresColumn) throws(PostgresError) -> Bool {
        try required(optionalBool(column), "bool", column)
    }

    public func text(_ column: PostgresColumn) throws(PostgresError) -> String {
        try required(optionalText(column), "text", column)
    }

    public func uuid(_ column: PostgresColumn) throws(PostgresError) -> UniqueID {
        try required(optionalUUID(column), "uuid", column)
    }

    public func bytes(_ column: PostgresColumn) throws(PostgresError) -> [UInt8] {
        try required(optionalBytes(column), "bytes", column)
    }

    public func timestamp(_ column: PostgresColumn) throws(PostgresError) -> Int64 {
        try required(optionalTimestamp(column), "timestamp", column)
    }

    public func date(_ column: PostgresColumn) throws(PostgresError) -> Int32 {
        try required(optionalDate(column), "date", column)
    }

    public func int64Array(_ column: PostgresColumn) throws(PostgresError) -> [Int64] {
        try array(column, "int64[]", from: [.int8Array, .int4Array, .int2Array], FieldText.int64)
    }

    public func textArray(_ column: PostgresColumn) throws(PostgresError) -> [String] {
        try array(
            column, "text[]", from: [.textArray, .varcharArray, .nameArray], FieldText.string)
    }

    public func uuidArray(_ column: PostgresColumn) throws(PostgresError) -> [UniqueID] {
        try array(column, "uuid[]", from: [.uuidArray], FieldText.uuid)
    }

    /// Microseconds since 1970-01-01 00:00 UTC. Infinity is refused.
    public func timestampArray(_ column: PostgresColumn) throws(PostgresError) -> [Int64] {
        try array(
            column, "timestamp[]", from: [.timestamptzArray, .timestampArray], FieldText.timestamp)
    }

    private func array<Value>(
        _ column: PostgresColumn, _ expected: String, from types: [ColumnType],
        _ parse: (ArraySlice<UInt8>) -> Value?
    ) throws(PostgresError) -> [Value] {
        try required(
            reader(column).readArray(expected, from: types, parse), expected, column)
    }
}
