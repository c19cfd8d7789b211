/// Builds the packed strings that travel to and from Redis: little-endian, no padding.
struct LittleEndianWriter {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int) {
        bytes.reserveCapacity(capacity)
    }

    mutating func write(_ byte: UInt8) {
        bytes.append(byte)
    }

    /// The lowest `count` bytes of `value`, as `struct.pack('<i8')` and its shorter kin write them.
    mutating func write(_ value: Int64, bytes count: Int = 8) {
        var rest = UInt64(bitPattern: value)
        for _ in 0..<count {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    /// Eight bytes in the order in which Redis holds them: an epoch, a stamp, a nonce.
    mutating func write(opaque value: UInt64) {
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }

    mutating func write(_ more: some Sequence<UInt8>) {
        bytes.append(contentsOf: more)
    }
}
