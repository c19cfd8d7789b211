public import Values

/// One parameter of a statement, or one field of a row sent with COPY.
///
/// Values travel as text, except `bytes`, and PostgreSQL infers the type of each `$n` from its
/// place.
/// Where it cannot, the statement says so: `$1::bigint`.
public enum PostgresValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case int64(Int64)
    /// Text without NUL characters; PostgreSQL cannot store those.
    case text(String)
    case uuid(UniqueID)
    /// `bytea`.
    case bytes([UInt8])
    /// `timestamptz`: microseconds since 1970-01-01 00:00 UTC.
    case timestamp(Int64)
    /// `date`: days since 1970-01-01.
    case date(Int32)
    case int64Array([Int64])
    case textArray([String])
    case uuidArray([UniqueID])
    case timestampArray([Int64])
    case dateArray([Int32])

    /// `.text(value)`, or `.null` when there is none. The others are alike.
    public static func optional(_ value: String?) -> PostgresValue { value.map(text) ?? .null }
    public static func optional(_ value: Int64?) -> PostgresValue { value.map(int64) ?? .null }
    public static func optional(_ value: Bool?) -> PostgresValue { value.map(bool) ?? .null }
    public static func optional(_ value: UniqueID?) -> PostgresValue {
        value.map(uuid) ?? .null
    }
    public static func optional(_ value: [UInt8]?) -> PostgresValue { value.map(bytes) ?? .null }
    public static func optional(timestamp value: Int64?) -> PostgresValue {
        value.map(timestamp) ?? .null
    }
    public static func optional(date value: Int32?) -> PostgresValue { value.map(date) ?? .null }
}

extension PostgresValue: CustomStringConvertible, CustomDebugStringConvertible {
    /// The kind only: parameters never reach a log.
    public var description: String {
        switch self {
        case .null: "null"
        case .bool: "bool"
        case .int64: "int64"
        case .text: "text"
        case .uuid: "uuid"
        case .bytes: "bytes"
        case .timestamp: "timestamp"
        case .date: "date"
        case .int64Array: "int64[]"
        case .textArray: "text[]"
        case .uuidArray: "uuid[]"
        case .timestampArray: "timestamp[]"
        case .dateArray: "date[]"
        }
    }

    public var debugDescription: String { description }
}
