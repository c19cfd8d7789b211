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
        try required(optionalInt64Array(column), "int64[]", column)
    }

    public func textArray(_ column: PostgresColumn) throws(PostgresError) -> [String] {
        try required(optionalTextArray(column), "text[]", column)
    }

    public func uuidArray(_ column: PostgresColumn) throws(PostgresError) -> [UniqueID] {
        try required(optionalUUIDArray(column), "uuid[]", column)
    }

    public func boolArray(_ column: PostgresColumn) throws(PostgresError) -> [Bool] {
        try required(optionalBoolArray(column), "bool[]", column)
    }

    public func bytesArray(_ column: PostgresColumn) throws(PostgresError) -> [[UInt8]] {
        try required(optionalBytesArray(column), "bytes[]", column)
    }

    public func timestampArray(_ column: PostgresColumn) throws(PostgresError) -> [Int64] {
        try required(optionalTimestampArray(column), "timestamp[]", column)
    }

    public func dateArray(_ column: PostgresColumn) throws(PostgresError) -> [Int32] {
        try required(optionalDateArray(column), "date[]", column)
    }
}
