import Values

/// The rule that tells a call, for the bytes of one line without its line end.
///
/// A line is a call when
/// - its first field, which a blank or tab ends, is a host: 1–253 ASCII letters, digits and
///   `._:%[]-`, the first one a letter, a digit, `:` or `[`; and
/// - a time follows the host somewhere: `[` with a blank or tab before it, then a digit, then
///   digits, letters, blanks and `/:+-.,` with a `:` among them, at most 64 bytes, then `]`.
///
/// So `[17/May/2015:10:05:03 +0000]`, fractions of a second and ISO 8601 are times, and the
/// user before them may hold blanks and brackets. What follows may be cut off, unquoted, binary.
enum AccessLogRule {
    /// The host of a call, or why the line is none.
    static func host(of line: ArraySlice<UInt8>) -> Result<String, Fault> {
        guard !line.isEmpty else { return .failure(Fault(kind: .empty)) }
        let end = line.firstIndex(where: isBlank) ?? line.endIndex
        let field = line[..<end]
        guard isHost(field) else { return .failure(Fault(kind: .noHost)) }
        guard hasTime(line[end...]) else { return .failure(Fault(kind: .noTime)) }
        return .success(String(decoding: field, as: UTF8.self))
    }

    struct Fault: Error {
        let kind: AccessLogFault
    }

    private static func isHost(_ field: ArraySlice<UInt8>) -> Bool {
        guard let first = field.first, field.count <= 253 else { return false }
        let begins =
            isLetter(first) || first.isASCIIDigit || first == UInt8(ascii: ":")
            || first == UInt8(ascii: "[")
        return begins && field.allSatisfy(isHostByte)
    }

    /// `rest` begins with the blank that ended the host.
    private static func hasTime(_ rest: ArraySlice<UInt8>) -> Bool {
        var search = rest
        while let bracket = search.firstIndex(of: UInt8(ascii: "[")) {
            let inside = rest[rest.index(after: bracket)...]
            if bracket > rest.startIndex, isBlank(rest[rest.index(before: bracket)]),
                beginsWithTime(inside)
            {
                return true
            }
            search = inside
        }
        return false
    }

    private static func beginsWithTime(_ inside: ArraySlice<UInt8>) -> Bool {
        guard let first = inside.first, first.isASCIIDigit else { return false }
        let window = inside.prefix(65)
        guard let end = window.firstIndex(of: UInt8(ascii: "]")) else { return false }
        let time = window[..<end]
        return time.contains(UInt8(ascii: ":")) && time.allSatisfy(isTimeByte)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "%"),
            UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "-"):
            true
        default: isLetter(byte) || byte.isASCIIDigit
        }
    }

    private static func isTimeByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "+"), UInt8(ascii: "-"),
            UInt8(ascii: "."), UInt8(ascii: ","), 0x20:
            true
        default: isLetter(byte) || byte.isASCIIDigit
        }
    }
}
