/// Names a limit inside the packed value: 14 bits of its name, then which of its windows it is.
///
/// `default` is always 1; `0` names no limit, only the quota. Another name is the FNV-1a hash of
/// its UTF-8 bytes, folded into 2…16,383: `export` → 8,364. Two names of one plan must not fold to
/// the same number; `PlanFeatures` refuses such a plan and says which one to rename.
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
                (97...122).contains($0) || (48...57).contains($0) || $0 == 95 || $0 == 45
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
