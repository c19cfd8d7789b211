import Values

/// Reads one JSON text by RFC 8259, and no more than it.
struct JSONReader {
    private let bytes: [UInt8]
    private var place = 0
    private var path: [String] = []

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSONFault) -> JSON {
        let value = try value()
        skipBlanks()
        guard place == bytes.count else { throw fault("has text after its end") }
        return value
    }

    private mutating func value() throws(JSONFault) -> JSON {
        skipBlanks()
        guard let byte = peek else { throw fault("ends too early") }
        switch byte {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try list()
        case UInt8(ascii: "\""): return .text(try text())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        default: throw fault("is not JSON")
        }
    }

    // MARK: Objects and lists

    private mutating func object() throws(JSONFault) -> JSON {
        var members: [JSON.Member] = []
        var keys: Set<String> = []
        try parts(until: "}") { (reader) throws(JSONFault) in
            guard reader.peek == UInt8(ascii: "\"") else {
                throw reader.fault("has a member without a key in quotes")
            }
            let key = try reader.text()
            reader.path.append(key)
            guard keys.insert(key).inserted else { throw reader.fault("is named twice") }
            reader.skipBlanks()
            guard reader.take(":") else { throw reader.fault("has no colon after its key") }
            members.append(JSON.Member(key: key, value: try reader.value()))
            reader.path.removeLast()
        }
        return .object(members)
    }

    private mutating func list() throws(JSONFault) -> JSON {
        var elements: [JSON] = []
        try parts(until: "]") { (reader) throws(JSONFault) in
            reader.path.append("\(elements.count)")
            elements.append(try reader.value())
            reader.path.removeLast()
        }
        return .list(elements)
    }

    /// The items between brackets, separated by commas.
    private mutating func parts(
        until close: Unicode.Scalar, _ part: (inout JSONReader) throws(JSONFault) -> Void
    ) throws(JSONFault) {
        guard path.count < JSON.depthMax else {
            throw fault("is deeper than \(JSON.depthMax) levels")
        }
        place += 1
        skipBlanks()
        if take(close) { return }
        while true {
            skipBlanks()
            try part(&self)
            skipBlanks()
            if take(close) { return }
            guard take(",") else { throw fault("is missing a comma or \(close)") }
        }
    }

    // MARK: Words, numbers and texts

    private mutating func word(_ word: String, _ value: JSON) throws(JSONFault) -> JSON {
        guard bytes[place...].starts(with: word.utf8) else { throw fault("is not JSON") }
        place += word.utf8.count
        return value
    }

    private mutating func number() throws(JSONFault) -> String {
        let start = place
        _ = take("-")
        let whole = digits()
        guard whole > 0, whole == 1 || bytes[place - whole] != UInt8(ascii: "0") else {
            throw fault("is not a JSON number")
        }
        if take("."), digits() == 0 { throw fault("is not a JSON number") }
        if take("e") || take("E") {
            if !take("-") { _ = take("+") }
            if digits() == 0 { throw fault("is not a JSON number") }
        }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    private mutating func digits() -> Int {
        let start = place
        while let byte = peek, byte.isASCIIDigit { place += 1 }
        return place - start
    }

    private mutating func text() throws(JSONFault) -> String {
        place += 1
        var content: [UInt8] = []
        while let byte = peek {
            place += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: content, as: UTF8.self) else {
                    throw fault("has a string that is not UTF-8")
                }
                return text
            case UInt8(ascii: "\\"): content += String(try escaped()).utf8
            case 0..<0x20: throw fault("has a control character in a string")
            default: content.append(byte)
            }
        }
        throw fault("has a string that does not end")
    }

    private mutating func escaped() throws(JSONFault) -> Unicode.Scalar {
        let byte = peek
        place += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try scalar()
        default: throw fault("has an unknown escape")
        }
    }

    /// What `\u` names; a pair of surrogates is one. PostgreSQL keeps no U+0000.
    private mutating func scalar() throws(JSONFault) -> Unicode.Scalar {
        let first = try codeUnit()
        var value = UInt32(first)
        if UTF16.isLeadSurrogate(first) {
            guard take("\\"), take("u") else { throw fault("has half a character in a string") }
            let second = try codeUnit()
            guard UTF16.isTrailSurrogate(second) else {
                throw fault("has half a character in a string")
            }
            value = 0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00)
        }
        guard value != 0, let scalar = Unicode.Scalar(value) else {
            throw fault("has a character in a string that cannot be stored")
        }
        return scalar
    }

    private mutating func codeUnit() throws(JSONFault) -> UInt16 {
        let digits = bytes[place...].prefix(4)
        let areHex = digits.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
        guard digits.count == 4, areHex,
            let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw fault("has an unknown escape") }
        place += 4
        return unit
    }

    // MARK: Bytes

    private var peek: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func take(_ wanted: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: wanted) else { return false }
        place += 1
        return true
    }

    private mutating func skipBlanks() {
        while let byte = peek, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { place += 1 }
    }

    private func fault(_ problem: String) -> JSONFault {
        let line = 1 + bytes.prefix(place).count { $0 == UInt8(ascii: "\n") }
        return JSONFault(path: path, line: line, problem: problem)
    }
}
