import Values

extension PostgresValue {
    /// The value as PostgreSQL reads it; nil is NULL.
    var text: String? {
        switch self {
        case .null: nil
        case .bool(let value): value ? "t" : "f"
        case .int64(let value): String(value)
        case .text(let value): value
        case .uuid(let value): value.description
        case .bytes(let value): Self.hex(value)
        case .timestamp(let value): CalendarText.text(microseconds: value)
        case .date(let value): CalendarText.text(days: Int64(value))
        case .int64Array(let values): ArrayText.text(values.lazy.map { String($0) })
        case .textArray(let values): ArrayText.text(values)
        case .uuidArray(let values): ArrayText.text(values.lazy.map(\.description))
        case .timestampArray(let values):
            ArrayText.text(values.lazy.map { CalendarText.text(microseconds: $0) })
        case .dateArray(let values):
            ArrayText.text(values.lazy.map { CalendarText.text(days: Int64($0)) })
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        var text = Array("\\x".utf8)
        text.reserveCapacity(2 + 2 * bytes.count)
        for byte in bytes { Hexadecimal.append(byte, to: &text) }
        return String(decoding: text, as: UTF8.self)
    }
}
