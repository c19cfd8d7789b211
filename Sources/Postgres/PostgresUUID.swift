/// Sixteen bytes of type `uuid`, most significant first.
public struct PostgresUUID: Sendable, Hashable, Comparable {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Returns nil unless there are exactly 16 bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        func number(_ part: some Sequence<UInt8>) -> UInt64 {
            part.reduce(0) { $0 << 8 | UInt64($1) }
        }
        self.init(high: number(bytes.prefix(8)), low: number(bytes.dropFirst(8)))
    }

    public var bytes: [UInt8] {
        func eight(_ number: UInt64) -> [UInt8] {
            (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
        }
        return eight(high) + eight(low)
    }

    /// PostgreSQL's own order of `uuid`: byte by byte.
    public static func < (left: PostgresUUID, right: PostgresUUID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

extension PostgresUUID: LosslessStringConvertible {
    /// Reads the 36 characters `6ba7b810-9dad-11d1-80b4-00c04fd430c8`, in either case.
    public init?(_ text: String) {
        self.init(ascii: text.utf8)
    }

    init?(ascii text: some Collection<UInt8>) {
        var halves: (UInt64, UInt64) = (0, 0)
        var digits = 0
        var index = 0
        for byte in text {
            defer { index += 1 }
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let value = hexValue(byte) else { return nil }
            if digits < 16 {
                halves.0 = halves.0 << 4 | UInt64(value)
            } else {
                halves.1 = halves.1 << 4 | UInt64(value)
            }
            digits += 1
        }
        guard digits == 32, text.count == 36 else { return nil }
        self.init(high: halves.0, low: halves.1)
    }

    /// Lower case, with dashes.
    public var description: String {
        String(decoding: ascii, as: UTF8.self)
    }

    var ascii: [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text.append(UInt8(ascii: "-")) }
            appendHex(byte, to: &text)
        }
        return text
    }
}
