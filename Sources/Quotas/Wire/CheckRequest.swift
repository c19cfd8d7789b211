public import Metering

/// One check as it travels to the counter: whether a call may go through, and whether it is
/// counted.
public struct CheckRequest: Hashable, Sendable {
    public enum Mode: UInt8, Sendable {
        /// Answers without counting.
        case peek = 0
        /// Counts the cost when everything admits it.
        case consume = 1
        /// Counts a call that has happened already, whatever limits, quota and standing say.
        case force = 2
        /// Counts as many copies of the cost as everything admits.
        case atMost = 3
    }

    /// Number of the limit that applies; 0 = only the quota.
    public var limit: UInt16
    public var mode: Mode
    /// Units, 1…1,000,000.
    public var cost: Int64
    /// Copies of the cost, 1…1,000,000; 1 unless the mode is `atMost`.
    public var count: Int64
    /// Whether the call changes something: a clinic that may only read is refused then.
    public var writes: Bool
    /// The highest counts this caller saw for the clinic, so that Redis can notice that it went
    /// back.
    public var mark: Mark?
    /// Eight random bytes that make a minted epoch unique.
    public var nonce: UInt64
    /// The clock of Redis, µs since 1970, after which the call is answered `expired` and changes
    /// nothing; 0 = never.
    public var notAfter: Int64

    public static let encodedBytes = 60
    public static let costs: ClosedRange<Int64> = 1...1_000_000
    public static let counts: ClosedRange<Int64> = 1...1_000_000

    public init(
        limit: UInt16, mode: Mode, cost: Int64, count: Int64 = 1, writes: Bool = false,
        mark: Mark?, nonce: UInt64, notAfter: Int64 = 0
    ) {
        self.limit = limit
        self.mode = mode
        self.cost = cost
        self.count = count
        self.writes = writes
        self.mark = mark
        self.nonce = nonce
        self.notAfter = notAfter
    }

    /// `units` at once, or for `atMost` as many single ones as fit.
    public init(
        limit: UInt16, mode: Mode, units: Int64, writes: Bool, mark: Mark?, nonce: UInt64,
        notAfter: Int64 = 0
    ) {
        let isMany = mode == .atMost
        self.init(
            limit: limit, mode: mode, cost: isMany ? 1 : units, count: isMany ? units : 1,
            writes: writes, mark: mark, nonce: nonce, notAfter: notAfter)
    }

    /// Units of the check: the cost, or for `atMost` the number of single units.
    package var units: Int64 { mode == .atMost ? count : cost }

    /// Whether the counter takes these numbers.
    var isInRange: Bool {
        Self.costs.contains(cost) && Self.counts.contains(count) && notAfter >= 0
            && (count == 1 || mode == .atMost)
    }

    /// 60 bytes: I2 limit, B mode, B access (1 = writes), I4 cost, I4 count, i8 mark period, c8
    /// mark epoch, i8 mark used, i8 mark credited, c8 nonce, i8 not after. No mark is all zeros. A
    /// cost or a count out of its range is sent as 0, which the counter refuses; its lowest four
    /// bytes might be in range.
    public var encoded: [UInt8] {
        var writer = LittleEndianWriter(capacity: Self.encodedBytes)
        writer.write(Int64(limit), bytes: 2)
        writer.write(mode.rawValue)
        writer.write((writes ? 1 : 0) as UInt8)
        writer.write(Self.costs.contains(cost) ? cost : 0, bytes: 4)
        writer.write(Self.counts.contains(count) ? count : 0, bytes: 4)
        writer.write(mark?.period ?? 0)
        writer.write(opaque: mark?.epoch.rawValue ?? 0)
        writer.write(mark?.used ?? 0)
        writer.write(mark?.credited ?? 0)
        writer.write(opaque: nonce)
        writer.write(notAfter)
        return writer.bytes
    }
}
