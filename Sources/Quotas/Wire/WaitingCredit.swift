/// Units that left a hold, or were refunded, when their count was no longer in the value:
/// PostgreSQL gives them back, once for the field that names them.
public struct WaitingCredit: Hashable, Sendable {
    /// `h` or `r` and the 16 bytes of the id.
    public let field: [UInt8]
    public let units: Int64
    /// Start of the period in which they were used, µs since 1970.
    public let period: Int64

    public init(field: [UInt8], units: Int64, period: Int64) {
        (self.field, self.units, self.period) = (field, units, period)
    }

    static let bytes = 29

    /// What `metering_expire` lists: for each c17 field, I4 units, i8 period. Nil when these bytes
    /// are none.
    public static func list(_ bytes: [UInt8]) -> [WaitingCredit]? {
        guard bytes.count.isMultiple(of: Self.bytes),
            bytes.count <= Self.bytes * HoldLimits.openMax
        else { return nil }
        return stride(from: 0, to: bytes.count, by: Self.bytes).compactMap { start in
            var reader = LittleEndianReader(Array(bytes[(start + 17)..<(start + Self.bytes)]))
            guard let units = reader.integer(bytes: 4), let period = reader.integer(),
                CheckRequest.costs.contains(units)
            else { return nil }
            return WaitingCredit(
                field: Array(bytes[start..<(start + 17)]), units: units, period: period)
        }
    }

    var encoded: [UInt8] {
        var writer = LittleEndianWriter(capacity: Self.bytes)
        writer.write(field)
        writer.write(units, bytes: 4)
        writer.write(period)
        return writer.bytes
    }

    /// What names it in PostgreSQL: `hold:` or `refund:` and the id.
    public var name: String? {
        guard let id = CallID(bytes: field.dropFirst()) else { return nil }
        switch field.first {
        case UInt8(ascii: "h"): return "hold:\(id)"
        case UInt8(ascii: "r"): return "refund:\(id)"
        default: return nil
        }
    }
}
