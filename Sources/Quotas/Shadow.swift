/// What is in shadow: counted and asked as if it was obeyed, and reported, but never says no.
///
/// Of the limits `default`, `default.sustained` and `export`, with `export` in shadow: `limits` is 4.
public struct Shadow: Hashable, Sendable {
    /// Bit i = limit i.
    public var limits: UInt8
    /// The same of the limits of the next period.
    public var nextLimits: UInt8
    public var quota: Bool

    public static let none = Shadow(limits: 0, nextLimits: 0, quota: false)

    public init(limits: UInt8, nextLimits: UInt8, quota: Bool) {
        self.limits = limits
        self.nextLimits = nextLimits
        self.quota = quota
    }

    func hasLimit(_ index: Int) -> Bool { limits & 1 << UInt8(index) != 0 }

    /// Whether only limits that exist are named.
    func fits(limits count: Int, nextLimits nextCount: Int) -> Bool {
        Int(limits) < 1 << count && Int(nextLimits) < 1 << nextCount
    }

    /// The limits of the next period have begun.
    mutating func turn() {
        (limits, nextLimits) = (nextLimits, 0)
    }

    /// Three bytes, as the value and the configuration hold them.
    var bytes: [UInt8] { [limits, nextLimits, quota ? 1 : 0] }
}

extension Shadow {
    init?(_ reader: inout LittleEndianReader) {
        guard let limits = reader.byte(), let nextLimits = reader.byte(), let quota = reader.byte()
        else { return nil }
        self.init(limits: limits, nextLimits: nextLimits, quota: quota == 1)
    }
}
