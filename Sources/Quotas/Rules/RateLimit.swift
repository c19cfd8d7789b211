/// A rate limit as the counter holds it: a generic cell rate algorithm in whole microseconds.
///
/// 20 units a second with a burst of 60 is an emission of 50,000 µs and a tolerance of 3,000,000
/// µs.
public struct RateLimit: Hashable, Sendable {
    public let id: LimitID
    /// Time that pays for one unit, µs, rounded up so that the limit is never exceeded;
    /// 1…tolerance.
    public let emission: Int64
    /// Emission × burst, µs; at most `RateLimit.toleranceMax`.
    public let tolerance: Int64

    /// About 4.4 years in µs: with today's 1.8 × 10^15 µs since 1970 every sum stays below 2^53.
    public static let toleranceMax: Int64 = 140_737_488_355_327

    /// Returns nil when the numbers are out of range.
    public init?(id: LimitID, emission: Int64, tolerance: Int64) {
        guard emission >= 1, emission <= tolerance, tolerance <= Self.toleranceMax else {
            return nil
        }
        self.id = id
        self.emission = emission
        self.tolerance = tolerance
    }

    /// `rate` units per `period` µs, at most `burst` units at once.
    ///
    /// 3 per second → emission 333,334 µs (rounded up).
    public init?(id: LimitID, rate: Int64, per period: Int64, burst: Int64) {
        guard rate >= 1, period >= 1, burst >= 1 else { return nil }
        let emission = period / rate + (period % rate == 0 ? 0 : 1)
        let (tolerance, overflow) = emission.multipliedReportingOverflow(by: burst)
        guard !overflow else { return nil }
        self.init(id: id, emission: emission, tolerance: tolerance)
    }

    /// Most units admitted at once.
    public var burst: Int64 { tolerance / emission }

    /// This limit at a tenth of its rate, with a tenth of its burst, at least one unit.
    public var atATenth: RateLimit? {
        let (slow, isTooSlow) = emission.multipliedReportingOverflow(by: 10)
        guard !isTooSlow else { return nil }
        let (tolerance, isTooWide) = slow.multipliedReportingOverflow(by: max(1, burst / 10))
        return isTooWide ? nil : RateLimit(id: id, emission: slow, tolerance: tolerance)
    }
}
