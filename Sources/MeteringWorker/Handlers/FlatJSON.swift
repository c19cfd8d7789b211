import Values

/// One JSON object without nesting, read strictly (RFC 8259): what the check takes, and nothing
/// more.
///
/// A key that comes twice is refused, because two readers would take different ones of the two.
struct FlatJSON {
    enum Value: Equatable {
        case string(String)
        case integer(Int64)
        case bool(Bool)
        case null
    }

    /// Why the bytes are no such object; `offset` counts bytes from 0.
    struct Fault: Error, Equatable {
        let problem: String
        let offset: Int
    }

    static func read(_ bytes: [UInt8]) throws(Fault) -> [(key: String, value: Value)] {
        var reader = FlatJSON(bytes: bytes)
        return try reader.object()
    }

    /// The most fields of an object, more than any request of ours has: each is compared with all
    /// before it.
    static let membersMax = 16

    private let bytes: [UInt8]
    private var position = 0

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private mutating func object() throws(Fault) -> [(key: String, value: Value)] {
        var members: [(key: String, value: Value)] = []
        try expect(UInt8(ascii: "{"), "the body is not a JSON object")
        if !take(UInt8(ascii: "}")) {
            repeat {
                skipBlanks()
                let key = try string()
                guard !members.contains(where: { $0.key == key }) else {
                    throw fault("the field \(shown(key)) comes twice")
                }
                guard members.count < Self.membersMax else {
                    throw fault("the object has more than \(Self.membersMax) fields")
                }
                try expect(UInt8(ascii: ":"), "a colon is missing after \(shown(key))")
                members.append((key, try value(of: key)))
            } while take(UInt8(ascii: ","))
            try expect(UInt8(ascii: "}"), "a comma or the closing brace is missing")
        }
        skipBlanks()
        guard position == bytes.count else { throw fault("something follows the object") }
        return members
    }

    private mutating func value(of key: String) throws(Fault) -> Value {
        skipBlanks()
        guard let first = peek else { throw fault("the value of \(shown(key)) is missing") }
        switch first {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return .integer(try integer(of: key))
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            throw fault("the value of \(shown(key)) is an object or a list")
        default:
            for (word, value) in [
                ("true", Value.bool(true)), ("false", .bool(false)), ("null", .null),
            ]
            where bytes[position...].starts(with: word.utf8) {
                position += word.utf8.count
                return value
            }
            throw fault("the value of \(shown(key)) is not JSON")
        }
    }

    private mutating func integer(of key: String) throws(Fault) -> Int64 {
        let start = position
        if peek == UInt8(ascii: "-") { position += 1 }
        let digits = position
        while let byte = peek, byte.isASCIIDigit { position += 1 }
        let isPlain = position > digits && (bytes[digits] != 48 || position == digits + 1)
        if let next = peek, next == UInt8(ascii: ".") || next | 0x20 == UInt8(ascii: "e") {
            throw fault("the value of \(shown(key)) is not a whole number")
        }
        guard isPlain, let text = String(validating: bytes[start..<position], as: UTF8.self),
            let number = Int64(text)
        else { throw fault("the value of \(shown(key)) is not a number that fits") }
        return number
    }

    private mutating func string() throws(Fault) -> String {
        guard take(UInt8(ascii: "\"")) else { throw fault("a quoted name is missing") }
        let start = position
        while position < bytes.count, Self.isPlain(bytes[position]) { position += 1 }
        // Nearly every text is plain up to its end, and is taken as it stands.
        var text = peek == UInt8(ascii: "\"") ? [] : Array(bytes[start..<position])
        if text.isEmpty, position > start {
            guard let string = String(validating: bytes[start..<position], as: UTF8.self) else {
                throw fault("a text is not UTF-8")
            }
            position += 1
            return string
        }
        while let byte = peek {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw fault("a text is not UTF-8")
                }
                return string
            case UInt8(ascii: "\\"): text.append(contentsOf: String(try escaped()).utf8)
            case 0..<32: throw fault("a text holds a control character")
            default: text.append(byte)
            }
        }
        throw fault("a text does not end")
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 32 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private mutating func escaped() throws(Fault) -> Character {
        guard let byte = peek else { throw fault("a text does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            return Character(Unicode.Scalar(byte))
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return Character(try codePoint())
        default: throw fault("a text holds an unknown escape")
        }
    }

    private mutating func codePoint() throws(Fault) -> Unicode.Scalar {
        let first = try fourDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard (0xD800..<0xDC00).contains(first), peek == UInt8(ascii: "\\") else {
            throw fault("a text holds half a character")
        }
        position += 1
        guard peek == UInt8(ascii: "u") else { throw fault("a text holds half a character") }
        position += 1
        let second = try fourDigits()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw fault("a text holds half a character") }
        return scalar
    }

    private mutating func fourDigits() throws(Fault) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw fault("a text holds an unknown escape")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    // MARK: Bytes

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipBlanks() {
        while let byte = peek, byte == 32 || byte == 9 || byte == 10 || byte == 13 { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipBlanks()
        guard peek == byte else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ byte: UInt8, _ problem: String) throws(Fault) {
        guard take(byte) else { throw fault(problem) }
    }

    private func fault(_ problem: String) -> Fault { Fault(problem: problem, offset: position) }

    /// A name from outside, made safe and short for an error text.
    private func shown(_ key: String) -> String { String(key.prefix(40)).debugDescription }
}
