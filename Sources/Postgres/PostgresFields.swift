public import Values

/// A row whose fields can be read one by one: a row of an answer, or a line of COPY.
///
/// A missing column, a NULL where no optional is read and a type that does not fit throw
/// `PostgresError.decoding`, which names the column and the kinds, never the value.
public protocol PostgresFields {
    func field(_ column: PostgresColumn) throws(PostgresError) -> PostgresField
}

extension PostgresFields {
    func reader(_ column: PostgresColumn) throws(PostgresError) -> FieldReader {
        try field(column).reader
    }

    public func isNull(_ column: PostgresColumn) throws(PostgresError) -> Bool {
        try reader(column).text == nil
    }

    /// From int2, int4, int8 and oid. `sum(bigint)` is numeric: cast it.
    public func optionalInt64(_ column: PostgresColumn) throws(PostgresError) -> Int64? {
        try reader(column).read("int64", from: [.int8, .int4, .int2, .oid], FieldText.int64)
    }

    public func optionalBool(_ column: PostgresColumn) throws(PostgresError) -> Bool? {
        try reader(column).read("bool", from: [.bool], FieldText.bool)
    }

    /// From any type but `bytea`, as the server prints it: `numeric`, enums and JSON are read with
    /// this.
    public func optionalText(_ column: PostgresColumn) throws(PostgresError) -> String? {
        let reader = try reader(column)
        guard let text = reader.text else { return nil }
        guard reader.type != ColumnType.bytea.rawValue, let string = FieldText.string(text) else {
            throw reader.failure("text", found: ColumnType.name(of: reader.type))
        }
        return string
    }

    public func optionalUUID(_ column: PostgresColumn) throws(PostgresError) -> UniqueID? {
        try reader(column).read("uuid", from: [.uuid], FieldText.uuid)
    }

    public func optionalBytes(_ column: PostgresColumn) throws(PostgresError) -> [UInt8]? {
        try reader(column).read("bytes", from: [.bytea], FieldText.bytes)
    }

    /// Microseconds since 1970-01-01 00:00 UTC. Infinity is refused.
    public func optionalTimestamp(_ column: PostgresColumn) throws(PostgresError) -> Int64? {
        try reader(column).read("timestamp", from: [.timestamptz, .timestamp], FieldText.timestamp)
    }

    /// Days since 1970-01-01. Infinity is refused.
    public func optionalDate(_ column: PostgresColumn) throws(PostgresError) -> Int32? {
        try reader(column).read("date", from: [.date], FieldText.date)
    }
}
