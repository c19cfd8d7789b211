public import Metering

/// What a clinic has at `hold:{<clinic>}`: units that are counted and may come back. `holds.lua`
/// draws it.
public struct ClinicHolds: Hashable, Sendable {
    public struct Hold: Hashable, Sendable {
        public var limit: UInt16
        /// Its count has left the value: PostgreSQL gives these units back.
        public var waits: Bool
        public var units: Int64
        public var period: Int64
        public var epoch: Epoch
        /// µs since 1970.
        public var ends: Int64
    }

    /// By field: `h` or `r` and 16 bytes of id.
    public var holds: [[UInt8]: Hold] = [:]
    /// No open hold ends before, µs since 1970; 0 = none is open.
    public var ends: Int64 = 0

    public init() {}

    var open: [Hold] { holds.values.filter { !$0.waits } }
    var isFull: Bool { holds.count >= HoldLimits.openMax }
    var units: Int64 { holds.values.reduce(0) { $0 + $1.units } }

    mutating func add(_ hold: Hold, at field: [UInt8]) {
        ends = ends == 0 ? hold.ends : min(ends, hold.ends)
        holds[field] = hold
    }

    mutating func takeOpen(_ field: [UInt8]) {
        holds[field] = nil
        if open.isEmpty { ends = 0 }
    }

    /// Every field as Redis holds it; none when nothing is held.
    public var encoded: [[UInt8]: [UInt8]] {
        guard !holds.isEmpty else { return [:] }
        let open = open
        var head = LittleEndianWriter(capacity: 64)
        head.write(Int64(open.count), bytes: 2)
        head.write(Int64(holds.count - open.count), bytes: 2)
        head.write(ends)
        head.write(units)
        let limits = Dictionary(grouping: open, by: \.limit).mapValues(\.count)
        for (limit, count) in limits.sorted(by: { $0.key < $1.key }) {
            head.write(Int64(limit), bytes: 2)
            head.write(Int64(count), bytes: 2)
        }
        return holds.mapValues(\.encoded).merging([[]: head.bytes]) { $1 }
    }
}

extension ClinicHolds.Hold {
    var encoded: [UInt8] {
        var writer = LittleEndianWriter(capacity: 31)
        writer.write(Int64(limit), bytes: 2)
        writer.write((waits ? 1 : 0) as UInt8)
        writer.write(units, bytes: 4)
        writer.write(period)
        writer.write(opaque: epoch.rawValue)
        writer.write(ends)
        return writer.bytes
    }
}
