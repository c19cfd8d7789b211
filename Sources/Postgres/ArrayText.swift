/// One-dimensional arrays as PostgreSQL writes them: `{1,2}`, `{"a b","c\"d"}`.
enum ArrayText {
    /// Every element is quoted, so that no content can be taken for structure or NULL.
    static func text(_ elements: some Sequence<String>) -> String {
        let (quote, backslash) = (UInt8(ascii: "\""), UInt8(ascii: "\\"))
        // Bytes, because a checkpoint writes some ten thousand elements a second.
        var bytes = [UInt8(ascii: "{")]
        for element in elements {
            if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(quote)
            for byte in element.utf8 {
                if byte == quote || byte == backslash { bytes.append(backslash) }
                bytes.append(byte)
            }
            bytes.append(quote)
        }
        bytes.append(UInt8(ascii: "}"))
        return String(decoding: bytes, as: UTF8.self)
    }

    enum Failure: Error { case malformed, nullElement, nested }

    /// The elements, unquoted. Refuses NULL elements, nested arrays and foreign lower bounds.
    static func elements(_ text: ArraySlice<UInt8>) throws(Failure) -> [ArraySlice<UInt8>] {
        guard text.first == UInt8(ascii: "{"), text.last == UInt8(ascii: "}"), text.count >= 2
        else {
            throw .malformed
        }
        var rest = text.dropFirst().dropLast()
        guard !rest.isEmpty else { return [] }
        var elements: [ArraySlice<UInt8>] = []
        while true {
            elements.append(try element(from: &rest))
            guard let comma = rest.popFirst() else { return elements }
            guard comma == UInt8(ascii: ",") else { throw .malformed }
        }
    }

    private static func element(
        from rest: inout ArraySlice<UInt8>
    ) throws(Failure) -> ArraySlice<UInt8> {
        guard rest.first != UInt8(ascii: "{") else { throw .nested }
        if rest.first == UInt8(ascii: "\"") { return try quoted(from: &rest) }
        let element = rest.prefix { $0 != UInt8(ascii: ",") }
        rest = rest.dropFirst(element.count)
        guard !element.isEmpty else { throw .malformed }
        guard !element.elementsEqual("NULL".utf8) else { throw .nullElement }
        return element
    }

    private static func quoted(
        from rest: inout ArraySlice<UInt8>
    ) throws(Failure) -> ArraySlice<UInt8> {
        var element: [UInt8] = []
        rest.removeFirst()
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return element[...]
            case UInt8(ascii: "\\"):
                guard let escaped = rest.popFirst() else { throw .malformed }
                element.append(escaped)
            default: element.append(byte)
            }
        }
        throw .malformed
    }
}
