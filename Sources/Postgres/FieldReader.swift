import Values

/// Reads one field of a row, sent as text, into the Swift type that the caller asked for.
struct FieldReader {
    let column: String
    let type: UInt32
    /// Nil is NULL.
    let text: ArraySlice<UInt8>?

    /// `types` are the column types that `expected` may be read from; an untyped field fits any.
    func read<Value>(
        _ expected: String, from types: [PostgresType],
        _ parse: (ArraySlice<UInt8>) -> Value?
    ) throws(PostgresError) -> Value? {
        guard let text else { return nil }
        guard type == 0 || types.contains(where: { $0.rawValue == type }) else {
            throw failure(expected, found: PostgresType.name(of: type))
        }
        guard let value = parse(text) else {
            throw failure(
                expected, found: "a \(PostgresType.name(of: type)) that is no \(expected)")
        }
        return value
    }

    func readArray<Value>(
        _ expected: String, from types: [PostgresType],
        _ parse: (ArraySlice<UInt8>) -> Value?
    ) throws(PostgresError) -> [Value]? {
        guard let text = try read(expected, from: types, { $0 }) else { return nil }
        let elements: [ArraySlice<UInt8>]
        do { elements = try ArrayText.elements(text) } catch {
            switch error {
            case .malformed: throw failure(expected, found: "a malformed array")
            case .nested: throw failure(expected, found: "an array of more than one dimension")
            case .nullElement: throw failure(expected, found: "an array with a NULL element")
            }
        }
        var values: [Value] = []
        values.reserveCapacity(elements.count)
        for element in elements {
            guard let value = parse(element) else {
                throw failure(expected, found: "an array with an element of another kind")
            }
            values.append(value)
        }
        return values
    }

    func failure(_ expected: String, found: String) -> PostgresError {
        .decoding(column: column, expected: expected, found: found)
    }
}

/// The text forms of single values.
enum FieldText {
    static func int64(_ text: ArraySlice<UInt8>) -> Int64? {
        Int64(String(decoding: text, as: UTF8.self))
    }

    static func bool(_ text: ArraySlice<UInt8>) -> Bool? {
        guard text.count == 1 else { return nil }
        return switch text.first {
        case UInt8(ascii: "t"): true
        case UInt8(ascii: "f"): false
        default: nil
        }
    }

    static func string(_ text: ArraySlice<UInt8>) -> String? {
        String(validating: text, as: UTF8.self)
    }

    /// `\x` and two digits a byte.
    static func bytes(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.starts(with: "\\x".utf8), text.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2)
        var rest = text.dropFirst(2)
        while let high = rest.popFirst(), let low = rest.popFirst() {
            guard let high = Hexadecimal.value(of: high), let low = Hexadecimal.value(of: low)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    static func uuid(_ text: ArraySlice<UInt8>) -> UniqueID? { UniqueID(ascii: text) }

    static func date(_ text: ArraySlice<UInt8>) -> Int32? {
        CalendarReader.days(text).flatMap { Int32(exactly: $0) }
    }

    static func timestamp(_ text: ArraySlice<UInt8>) -> Int64? { CalendarReader.microseconds(text) }
}
