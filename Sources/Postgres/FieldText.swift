import Values

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
