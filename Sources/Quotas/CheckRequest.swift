public import Metering

/// One question about one clinic: may this call go through, and is it counted.
public struct CheckRequest: Hashable, Sendable {
    public enum Mode: UInt8, Sendable {
        /// Answers without counting.
        case peek = 0
        /// Counts the cost when everything admits it.
        case consume = 1
    }

    /// Number of the limit that is asked; 0 = only the quota.
    public var limit: UInt16
    public var mode: Mode
    /// Units, 1…1,000,000.
    public var cost: Int64
    /// Whether the call changes something: a clinic that may only read is refused then.
    public var writes: Bool
    /// The highest counts this caller saw for the clinic, so that Redis can notice that it went back.
    public var mark: Mark?
    /// Eight random bytes that make a minted epoch unique.
    public var nonce: UInt64

    public static let encodedBytes = 48
    public static let costs: ClosedRange<Int64> = 1...1_000_000

    public init(
        limit: UInt16, mode: Mode, cost: Int64, writes: Bool = false, mark: Mark?, nonce: UInt64
    ) {
        self.limit = limit
        self.mode = mode
        self.cost = cost
        self.writes = writes
        self.mark = mark
        self.nonce = nonce
    }

    /// 48 bytes: I2 limit, B mode, B access (1 = writes), I4 cost, i8 mark period, c8 mark epoch, i8 mark used, i8 mark
    /// credited, c8 nonce. No mark is all zeros.
    public var encoded: [UInt8] {
        var writer = LittleEndianWriter(capacity: Self.encodedBytes)
        writer.write(Int64(limit), bytes: 2)
        writer.write(mode.rawValue)
        writer.write((writes ? 1 : 0) as UInt8)
        writer.write(cost, bytes: 4)
        writer.write(mark?.period ?? 0)
        writer.write(opaque: mark?.epoch.rawValue ?? 0)
        writer.write(mark?.used ?? 0)
        writer.write(mark?.credited ?? 0)
        writer.write(opaque: nonce)
        return writer.bytes
    }
}
