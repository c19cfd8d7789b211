/// COPY's text format: fields end with TAB, rows with LF, `\N` is NULL and a backslash hides the
/// rest.
enum CopyText {
    private static let backslash = UInt8(ascii: "\\")

    /// Appends one row with its line end.
    static func append(_ row: [PostgresValue], to buffer: inout [UInt8]) {
        for (index, value) in row.enumerated() {
            if index > 0 { buffer.append(UInt8(ascii: "\t")) }
            if let text = value.text {
                appendEscaped(text.utf8, to: &buffer)
            } else {
                buffer.append(contentsOf: "\\N".utf8)
            }
        }
        buffer.append(UInt8(ascii: "\n"))
    }

    private static func appendEscaped(_ text: String.UTF8View, to buffer: inout [UInt8]) {
        for byte in text {
            switch byte {
            case backslash: buffer.append(contentsOf: "\\\\".utf8)
            case UInt8(ascii: "\t"): buffer.append(contentsOf: "\\t".utf8)
            case UInt8(ascii: "\n"): buffer.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\r"): buffer.append(contentsOf: "\\r".utf8)
            default: buffer.append(byte)
            }
        }
    }

    /// The fields of one line, unescaped; nil is NULL.
    static func cells(_ line: [UInt8]) throws(PostgresError) -> [[UInt8]?] {
        let row = line.last == UInt8(ascii: "\n") ? line.dropLast() : line[...]
        var cells: [[UInt8]?] = []
        for field in row.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false) {
            cells.append(field.elementsEqual("\\N".utf8) ? nil : try unescaped(field))
        }
        return cells
    }

    private static func unescaped(_ field: ArraySlice<UInt8>) throws(PostgresError) -> [UInt8] {
        guard field.contains(backslash) else { return Array(field) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(field.count)
        var rest = field
        while let byte = rest.popFirst() {
            guard byte == backslash else {
                bytes.append(byte)
                continue
            }
            guard let mark = rest.popFirst() else {
                throw .decoding(column: "line", expected: "COPY text", found: "a lone backslash")
            }
            bytes.append(plain(mark))
        }
        return bytes
    }

    /// The byte that a backslash and `mark` stand for; the server writes no other escapes.
    private static func plain(_ mark: UInt8) -> UInt8 {
        switch mark {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "v"): 0x0B
        default: mark
        }
    }
}
