extension [UInt8] {
    mutating func append(_ text: String) { append(contentsOf: text.utf8) }

    mutating func append(ascii character: Unicode.Scalar) { append(UInt8(ascii: character)) }

    mutating func append(decimal number: Int64) {
        if number < 0 { append(ascii: "-") }
        append(decimal: number.magnitude)
    }

    private mutating func append(decimal number: UInt64) {
        guard number >= 100_000_000 else { return append(digitsOf: number, least: 1) }
        let (high, low) = number.quotientAndRemainder(dividingBy: 100_000_000)
        append(decimal: high)
        append(digitsOf: low, least: 8)
    }

    /// Up to 8 digits. They come lowest first, so they are packed into a word and leave it the
    /// other way round.
    private mutating func append(digitsOf number: UInt64, least: Int) {
        var (rest, packed, count) = (number, UInt64(0), 0)
        repeat {
            packed = packed << 8 | (rest % 10 + 0x30)
            rest /= 10
            count += 1
        } while rest > 0 || count < least
        for _ in 0..<count {
            append(UInt8(truncatingIfNeeded: packed))
            packed >>= 8
        }
    }
}
