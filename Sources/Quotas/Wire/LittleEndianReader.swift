/// Reads what `LittleEndianWriter` writes. A read past the end gives nil, never a trap.
struct LittleEndianReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var remaining: Int { bytes.count - position }

    mutating func byte() -> UInt8? {
        guard position < bytes.count else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    /// An unsigned number of 1…7 bytes, or a signed one of 8.
    mutating func integer(bytes count: Int = 8) -> Int64? {
        guard remaining >= count else { return nil }
        if count == 8 { return word() }
        var value: UInt64 = 0
        for offset in 0..<count {
            value |= UInt64(bytes[position + offset]) << UInt64(8 * offset)
        }
        position += count
        return Int64(bitPattern: value)
    }

    mutating func opaque() -> UInt64? {
        guard remaining >= 8 else { return nil }
        return UInt64(bitPattern: word()).byteSwapped
    }

    /// The next eight bytes, which are there.
    private mutating func word() -> Int64 {
        defer { position += 8 }
        let word = bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: position, as: Int64.self)
        return Int64(littleEndian: word)
    }
}
