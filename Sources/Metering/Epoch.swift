import Values

/// Names one unbroken stretch of counting in Redis.
///
/// Redis mints a new epoch whenever a count begins again from nothing, so two counts may be
/// compared only within one epoch. Eight bytes, read as a big-endian number; printed as 16
/// hexadecimal digits. PostgreSQL has no unsigned type, so the ledger stores the bit pattern.
public struct Epoch: Hashable, Sendable {
    public let rawValue: UInt64

    /// No epoch: what a caller passes that has not seen one. Redis never mints it.
    public static let none = Epoch(rawValue: 0)

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The epoch of a stored BIGINT: −1 is `ffffffffffffffff`.
    public init(bitPattern: Int64) { self.init(rawValue: UInt64(bitPattern: bitPattern)) }

    /// What a BIGINT column holds for this epoch.
    public var bitPattern: Int64 { Int64(bitPattern: rawValue) }

    /// The epoch of exactly 8 bytes, the first byte highest, or nil for any other count.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 8 else { return nil }
        self.init(rawValue: bytes.reduce(0) { $0 << 8 | UInt64($1) })
    }

    /// The 8 bytes, the first byte highest.
    public var bytes: [UInt8] {
        stride(from: 56, through: 0, by: -8).map { shift in
            UInt8(truncatingIfNeeded: rawValue >> UInt64(shift))
        }
    }
}

extension Epoch: Comparable {
    /// By value, for sorted keys. A greater epoch is not a later one.
    public static func < (left: Epoch, right: Epoch) -> Bool { left.rawValue < right.rawValue }
}

extension Epoch: LosslessStringConvertible {
    /// Reads exactly 16 hexadecimal digits in either case.
    public init?(_ description: String) {
        guard description.utf8.count == 16 else { return nil }
        var value: UInt64 = 0
        for byte in description.utf8 {
            guard let digit = Hexadecimal.value(of: byte) else { return nil }
            value = value << 4 | UInt64(digit)
        }
        self.init(rawValue: value)
    }

    public var description: String {
        var digits: [UInt8] = []
        for byte in bytes { Hexadecimal.append(byte, to: &digits) }
        return String(decoding: digits, as: UTF8.self)
    }
}
