/// How much may be held and remembered of one clinic.
public enum HoldLimits {
    /// Open holds of a clinic, and of one of its limits.
    public static let open: ClosedRange<Int64> = 1...1_000
    static let openMax = 1_000
    /// Ids of one hour: beyond the first bound calls are counted without being remembered, beyond
    /// the second the ends of holds are not remembered and refunds are refused.
    static let callsMax = 50_000
    static let idsMax = 60_000
    /// An hour, µs.
    static let hour: Int64 = 3_600_000_000
}
