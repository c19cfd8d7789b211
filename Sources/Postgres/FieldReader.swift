/// Reads one field of a row, sent as text, into the Swift type that the caller wants.
struct FieldReader {
    let column: String
    let type: UInt32
    /// Nil is NULL.
    let text: ArraySlice<UInt8>?

    /// `types` are the column types that `expected` may be read from; an untyped field fits any.
    func read<Value>(
        _ expected: String, from types: [ColumnType],
        _ parse: (ArraySlice<UInt8>) -> Value?
    ) throws(PostgresError) -> Value? {
        guard let text else { return nil }
        guard type == 0 || types.contains(where: { $0.rawValue == type }) else {
            throw failure(expected, found: ColumnType.name(of: type))
        }
        guard let value = parse(text) else {
            throw failure(
                expected, found: "a \(ColumnType.name(of: type)) that is no \(expected)")
        }
        return value
    }

    func readArray<Value>(
        _ expected: String, from types: [ColumnType],
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
