/// Writes RESP into memory that the caller provides, as many bytes as
/// ``RedisCommand/encodedBytesMax`` says.
struct CommandWriter {
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var written = 0

    init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }

    /// `kind`, a count in decimal, a line end: `$12\r\n`.
    mutating func header(_ kind: UInt8, _ count: Int) {
        byte(kind)
        decimal(UInt64(count))
        lineEnd()
    }

    mutating func bulk(_ bytes: UnsafeRawBufferPointer) {
        header(UInt8(ascii: "$"), bytes.count)
        let place = UnsafeMutableRawBufferPointer(rebasing: memory[written...])
        place.copyMemory(from: bytes)
        written += bytes.count
        lineEnd()
    }

    mutating func bulk(_ text: String) {
        var text = text
        text.withUTF8 { bulk(UnsafeRawBufferPointer($0)) }
    }

    mutating func bulk(_ value: Int64) {
        let digits = Self.digits(value.magnitude)
        header(UInt8(ascii: "$"), value < 0 ? digits + 1 : digits)
        if value < 0 { byte(UInt8(ascii: "-")) }
        decimal(value.magnitude)
        lineEnd()
    }

    private mutating func byte(_ value: UInt8) {
        memory[written] = value
        written += 1
    }

    private mutating func lineEnd() {
        byte(13)
        byte(10)
    }

    private mutating func decimal(_ value: UInt64) {
        let count = Self.digits(value)
        var rest = value
        for place in stride(from: written + count - 1, through: written, by: -1) {
            memory[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        written += count
    }

    /// Decimal digits of `value`: 1 for 0, 20 for `UInt64.max`.
    private static func digits(_ value: UInt64) -> Int {
        var count = 1
        var rest = value
        while rest >= 10 {
            rest /= 10
            count += 1
        }
        return count
    }
}
