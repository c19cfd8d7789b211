import Metering

/// Sixteen bytes by which a caller names a call, a hold or a refund, so that a repeat counts once.
///
/// A UUID fits. The HTTP handlers hash a longer name; the counter compares only these bytes.
public struct CallID: Hashable, Sendable {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        (self.high, self.low) = (high, low)
    }

    /// The id of exactly 16 bytes, the first one highest; nil for any other count.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        let words = [bytes.prefix(8), bytes.dropFirst(8)].map { half in
            half.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        self.init(high: words[0], low: words[1])
    }

    public var bytes: [UInt8] { Epoch(rawValue: high).bytes + Epoch(rawValue: low).bytes }
}

extension CallID: LosslessStringConvertible {
    /// Reads exactly 32 hexadecimal digits in either case.
    public init?(_ description: String) {
        guard description.utf8.count == 32, let high = Epoch(String(description.prefix(16))),
            let low = Epoch(String(description.suffix(16)))
        else { return nil }
        self.init(high: high.rawValue, low: low.rawValue)
    }

    public var description: String { "\(Epoch(rawValue: high))\(Epoch(rawValue: low))" }
}
