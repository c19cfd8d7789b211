/// The limits and the quota in shadow: they are counted and reported, but never deny.
///
/// Of the limits `default`, `default.sustained` and `export`, with `export` in shadow: `limits` is
/// 4.
public struct Shadow: Hashable, Sendable {
    /// Bit i = limit i.
    public var limits: UInt8
    /// Bit i = limit i of the next period.
    public var nextLimits: UInt8
    public var quota: Bool

    public static let none = Shadow(limits: 0, nextLimits: 0, quota: false)

    public init(limits: UInt8, nextLimits: UInt8, quota: Bool) {
        self.limits = limits
        self.nextLimits = nextLimits
        self.quota = quota
    }

    func hasLimit(_ index: Int) -> Bool { limits & 1 << UInt8(index) != 0 }

    /// Whether every bit names a limit that exists.
    func fits(limits count: Int, nextLimits nextCount: Int) -> Bool {
        Int(limits) < 1 << count && Int(nextLimits) < 1 << nextCount
    }

    /// The next period has started.
    mutating func turn() {
        (limits, nextLimits) = (nextLimits, 0)
    }

    /// Three bytes, as the value and the terms hold them.
    var bytes: [UInt8] { [limits, nextLimits, quota ? 1 : 0] }
}

extension Shadow {
    init?(_ reader: inout LittleEndianReader) {
        guard let limits = reader.byte(), let nextLimits = reader.byte(), let quota = reader.byte()
        else { return nil }
        self.init(limits: limits, nextLimits: nextLimits, quota: quota == 1)
    }
}
