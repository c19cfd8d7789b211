import Values

/// Names a limit inside the packed value: 14 bits of its name, then which of its windows it is.
///
/// `default` is always 1; `0` asks for no limit, only the quota. Another name is the FNV-1a hash of its
/// UTF-8 bytes, folded into 2…16,383: `export` → 8,364. Two names of one plan must not fold to the same
/// number; `PlanFeatures` refuses such a plan and says which one to rename.
public struct LimitID: Hashable, Sendable {
    /// `group × 4 + window`, 0…65,535.
    public let rawValue: UInt16

    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// - Parameter window: 0 for the limit itself, 1 for its sustained part; 0…3.
    public init(group: UInt16, window: UInt16) {
        precondition(group < 1 << 14 && window < 4, "a limit has 14 bits of name and 4 windows")
        rawValue = group << 2 | window
    }

    public var group: UInt16 { rawValue >> 2 }
    public var window: UInt16 { rawValue & 3 }

    /// 1 to 40 of a–z, 0–9, _ and -.
    public static func isName(_ name: String) -> Bool {
        (1...40).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                (97...122).contains($0) || $0.isASCIIDigit || $0 == 95 || $0 == 45
            }
    }

    public static let defaultName = "default"
    public static let defaultGroup: UInt16 = 1

    /// The number of the limit called `name`, 1…16,383.
    public static func group(of name: String) -> UInt16 {
        guard name != defaultName else { return defaultGroup }
        var hash: UInt32 = 2_166_136_261
        for byte in name.utf8 {
            hash = (hash ^ UInt32(byte)) &* 16_777_619
        }
        return 2 + UInt16(hash % 16_382)
    }
}

/// A rate limit as the counter holds it: a generic cell rate algorithm in whole microseconds.
///
/// 20 units a second with a burst of 60 is an emission of 50,000 µs and a tolerance of 3,000,000 µs.
public struct RateLimit: Hashable, Sendable {
    public let id: LimitID
    /// Time that pays for one unit, µs, rounded up so that the limit is never exceeded; 1…tolerance.
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

    /// `rate` units per `period` µs with room for `burst` units at once.
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

    /// The same limit at a tenth of the rate, with a tenth of the burst but room for one unit.
    public var atATenth: RateLimit? {
        let slow = emission.multipliedReportingOverflow(by: 10)
        guard !slow.overflow else { return nil }
        let room = slow.partialValue.multipliedReportingOverflow(by: max(1, burst / 10))
        return room.overflow
            ? nil : RateLimit(id: id, emission: slow.partialValue, tolerance: room.partialValue)
    }
}
