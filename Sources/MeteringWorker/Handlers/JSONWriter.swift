/// Writes JSON straight into bytes: objects, lists, texts, whole numbers, booleans and null (RFC
/// 8259).
///
/// The members of an object keep the order in which they are written. Texts are escaped as the
/// standard library's encoder does it: quote, backslash and control characters, and nothing else.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    /// Whether the next value on this level needs a comma before it.
    private var needsComma = false

    init(capacity: Int = 512) {
        bytes.reserveCapacity(capacity)
    }

    mutating func object(_ members: (inout JSONWriter) -> Void) {
        nest(UInt8(ascii: "{"), UInt8(ascii: "}"), members)
    }

    mutating func list<Element>(
        _ elements: some Sequence<Element>, _ write: (inout JSONWriter, Element) -> Void
    ) {
        nest(UInt8(ascii: "["), UInt8(ascii: "]")) { writer in
            for element in elements { write(&writer, element) }
        }
    }

    /// The name of the member whose value is written next: a constant without characters to escape.
    mutating func name(_ name: String) {
        assert(!name.hasByte(Self.mustEscape), "a name to escape: \(name)")
        separate()
        quote(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    mutating func text(_ text: String) {
        separate()
        guard text.hasByte(Self.mustEscape) else { return quote(text) }
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 { escape(byte) }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: text.utf8)
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func integer(_ number: Int64) {
        separate()
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        digits(number.magnitude)
    }

    mutating func bool(_ value: Bool) {
        separate()
        bytes.append(contentsOf: value ? Self.true : Self.false)
    }

    mutating func null() {
        separate()
        bytes.append(contentsOf: Self.null)
    }

    /// A newline at the end, which is not part of a value.
    mutating func newline() { bytes.append(UInt8(ascii: "\n")) }

    private mutating func nest(
        _ start: UInt8, _ end: UInt8, _ content: (inout JSONWriter) -> Void
    ) {
        separate()
        bytes.append(start)
        needsComma = false
        content(&self)
        bytes.append(end)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func digits(_ number: UInt64) {
        if number >= 10 { digits(number / 10) }
        bytes.append(UInt8(ascii: "0") + UInt8(number % 10))
    }

    private static func mustEscape(_ byte: UInt8) -> Bool {
        byte < 32 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
        case 8: bytes += Array("\\b".utf8)
        case 9: bytes += Array("\\t".utf8)
        case 10: bytes += Array("\\n".utf8)
        case 12: bytes += Array("\\f".utf8)
        case 13: bytes += Array("\\r".utf8)
        case 0..<32:
            bytes += Array("\\u00".utf8) + [byte >> 4, byte & 15].map { Self.hexadecimal[Int($0)] }
        default: bytes.append(byte)
        }
    }

    private static let `true` = Array("true".utf8)
    private static let `false` = Array("false".utf8)
    private static let null = Array("null".utf8)
    private static let hexadecimal = Array("0123456789abcdef".utf8)
}

extension JSONWriter {
    mutating func member(_ name: String, _ value: String) {
        self.name(name)
        text(value)
    }

    mutating func member(_ name: String, _ value: Int64) {
        self.name(name)
        integer(value)
    }

    mutating func member(_ name: String, _ value: Bool) {
        self.name(name)
        bool(value)
    }

    /// An absent number is written as `null`, which says that there is none.
    mutating func member(_ name: String, orNull value: Int64?) {
        self.name(name)
        if let value { integer(value) } else { null() }
    }
}

extension String {
    /// Whether a byte of its UTF-8 matches. Contiguous bytes are searched directly, without a call
    /// of the string for each byte.
    func hasByte(_ isSuch: (UInt8) -> Bool) -> Bool {
        utf8.withContiguousStorageIfAvailable { $0.contains(where: isSuch) }
            ?? utf8.contains(where: isSuch)
    }
}
