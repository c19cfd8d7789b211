/// Sixteen bytes that name one thing: a UUID as two 64-bit words.
///
/// Ordered by its bytes, as PostgreSQL orders `uuid`. Text is the canonical form of 36 characters:
/// `2f1a8b1e-53c9-4d0f-9c52-0d1f6a3b7c11`. Printed in lower case, read in either case; braces,
/// missing hyphens and blanks are refused.
public struct UniqueID: Hashable, Sendable {
    /// Bytes 0–7, the first byte highest.
    public let high: UInt64
    /// Bytes 8–15, the first byte highest.
    public let low: UInt64

    @inlinable public init(high: UInt64, low: UInt64) {
        (self.high, self.low) = (high, low)
    }

    /// An id of 128 random bits. It marks no version, so it is as random as its generator.
    public static func random(using generator: inout some RandomNumberGenerator) -> UniqueID {
        UniqueID(high: generator.next(), low: generator.next())
    }

    /// The id of exactly 16 bytes in network order, or nil for any other count.
    @inlinable public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        var words = (high: UInt64(0), low: UInt64(0))
        for (index, byte) in bytes.enumerated() {
            if index < 8 {
                words.high = words.high << 8 | UInt64(byte)
            } else {
                words.low = words.low << 8 | UInt64(byte)
            }
        }
        self.init(high: words.high, low: words.low)
    }

    /// Reads the canonical text from its ASCII bytes, or nil for anything else.
    @inlinable public init?(ascii text: some Sequence<UInt8>) {
        var words = (high: UInt64(0), low: UInt64(0))
        var position = 0
        for byte in text {
            switch position {
            case 8, 13, 18, 23:
                guard byte == UInt8(ascii: "-") else { return nil }
            case 0..<18:
                guard let digit = Hexadecimal.value(of: byte) else { return nil }
                words.high = words.high << 4 | UInt64(digit)
            case 19..<36:
                guard let digit = Hexadecimal.value(of: byte) else { return nil }
                words.low = words.low << 4 | UInt64(digit)
            default: return nil
            }
            position += 1
        }
        guard position == 36 else { return nil }
        self.init(high: words.high, low: words.low)
    }

    /// The 16 bytes in network order.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        for word in [high, low] {
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
            }
        }
        return bytes
    }

    /// The canonical text as 36 ASCII bytes, for writers that never need a `String`.
    public var ascii: [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for position in 0..<32 {
            if position == 8 || position == 12 || position == 16 || position == 20 {
                text.append(UInt8(ascii: "-"))
            }
            let word = position < 16 ? high : low
            let digit = word >> UInt64(60 - 4 * (position % 16)) & 0xF
            text.append(Hexadecimal.digit(UInt8(truncatingIfNeeded: digit)))
        }
        return text
    }
}

extension UniqueID: Comparable {
    @inlinable public static func < (left: UniqueID, right: UniqueID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

extension UniqueID: LosslessStringConvertible {
    public init?(_ description: String) { self.init(ascii: description.utf8) }
    public var description: String { String(decoding: ascii, as: UTF8.self) }
}

extension UniqueID {
    /// The UUID of version 5 (RFC 9562, section 5.5) that a SHA-1 digest gives.
    ///
    /// The digest is taken elsewhere, of the 16 bytes of a namespace followed by the name. For the
    /// DNS namespace and `www.example.com` the digest begins with `2ed6657de927468b…` and the
    /// id is `2ed6657d-e927-568b-95e1-2665a8aea6a2`.
    /// - Parameter digest: The 20 bytes of the digest.
    /// - Returns: nil unless the digest has 20 bytes.
    public static func version5(digest: some Collection<UInt8>) -> UniqueID? {
        guard digest.count == 20, let raw = UniqueID(bytes: digest.prefix(16)) else { return nil }
        let versioned = raw.high & ~0xF000 | 0x5000
        let varied = raw.low & ~(0b11 << 62) | 0b10 << 62
        return UniqueID(high: versioned, low: varied)
    }
}
