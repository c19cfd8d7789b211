public import Metering

/// What Redis holds for one clinic at `q:{<clinic>}`, read from or written to its packed form.
///
/// The head of `metering.lua` draws the layout; tests hold both equal byte for byte.
public struct CounterValue: Hashable, Sendable {
    /// A count that ended because its period rolled or its epoch was replaced.
    public struct Closed: Hashable, Sendable {
        public var period: Int64
        public var epoch: Epoch
        public var used: Int64
        public var credited: Int64
        /// PostgreSQL has committed exactly these numbers.
        public var isSettled: Bool

        public init(
            period: Int64, epoch: Epoch, used: Int64, credited: Int64, isSettled: Bool = false
        ) {
            self.period = period
            self.epoch = epoch
            self.used = used
            self.credited = credited
            self.isSettled = isSettled
        }
    }

    /// A limit and the time at which all it admitted is paid for, µs since 1970; 0 = never used.
    public struct Timed: Hashable, Sendable {
        public var limit: RateLimit
        public var time: Int64

        public init(limit: RateLimit, time: Int64 = 0) {
            self.limit = limit
            self.time = time
        }
    }

    public var flags: StandingFlags
    public var version: Int64
    public var stamp: UInt64
    public var epoch: Epoch
    /// Start of the period that is counted, µs since 1970.
    public var period: Int64
    public var used: Int64
    public var credited: Int64
    public var granted: Int64
    /// Units of this period that were counted outside the current epoch.
    public var base: Int64
    public var periodEnd: Int64
    /// End of the period after this one; 0 = not known yet.
    public var nextPeriodEnd: Int64
    /// Units a period admits; −1 = no quota.
    public var quota: Int64
    public var nextQuota: Int64
    public var limits: [Timed]
    /// Limits of the next period; none = they stay.
    public var nextLimits: [RateLimit]
    public var closed: [Closed]
    public var shadow = Shadow.none

    /// Whether PostgreSQL has not confirmed a closed count of this period.
    func hasUnsettled(of period: Int64) -> Bool {
        closed.contains { $0.period == period && !$0.isSettled }
    }

    /// Whether the running count could be closed now.
    public var hasRoomToClose: Bool {
        closed.count < Self.closedMax || closed.contains(where: \.isSettled)
    }

    public static let layout: UInt8 = 1
    public static let limitsMax = 8
    public static let closedMax = 8
    /// 2^53 − 1: Lua counts in doubles.
    package static let countMax: Int64 = 9_007_199_254_740_991
    static let headBytes = 104

    /// Whether every number is one that the function library writes. A foreign or damaged value may
    /// hold others, and their sums would overflow.
    public var isInBounds: Bool {
        let counts = 0...Self.countMax
        let numbers = [version, period, used, credited, periodEnd, nextPeriodEnd]
        return numbers.allSatisfy(counts.contains) && base.magnitude <= Self.countMax
            && [quota, nextQuota].allSatisfy { $0 == -1 || counts.contains($0) }
            && closed.allSatisfy {
                counts.contains($0.period) && counts.contains($0.used)
                    && counts.contains($0.credited)
            }
    }

    /// Units of this period, in all epochs.
    public var usage: Int64 { base &+ used &- credited }
}

extension CounterValue {
    /// Nil when the layout is another one or a number is out of its bounds.
    public init?(decoding bytes: [UInt8]) {
        var reader = LittleEndianReader(bytes)
        guard bytes.count >= Self.headBytes, reader.byte() == Self.layout,
            let flags = reader.byte(), let limitCount = reader.byte(),
            let nextCount = reader.byte(), let closedCount = reader.byte(),
            let shadow = Shadow(&reader),
            limitCount <= Self.limitsMax, nextCount <= Self.limitsMax,
            closedCount <= Self.closedMax,
            bytes.count == Self.headBytes + Int(limitCount) * 22 + Int(nextCount) * 14
                + Int(closedCount) * 33,
            let version = reader.integer(), let stamp = reader.opaque(),
            let epoch = reader.opaque(), let period = reader.integer(),
            let used = reader.integer(), let credited = reader.integer(),
            let granted = reader.integer(), let base = reader.integer(),
            let periodEnd = reader.integer(), let nextPeriodEnd = reader.integer(),
            let quota = reader.integer(), let nextQuota = reader.integer(),
            let limits = Self.limits(&reader, count: limitCount),
            let nextLimits = Self.limits(&reader, count: nextCount)
        else { return nil }
        self.init(
            flags: StandingFlags(rawValue: flags), version: version, stamp: stamp,
            epoch: Epoch(rawValue: epoch), period: period, used: used, credited: credited,
            granted: granted, base: base, periodEnd: periodEnd, nextPeriodEnd: nextPeriodEnd,
            quota: quota, nextQuota: nextQuota, limits: limits.map { Timed(limit: $0) },
            nextLimits: nextLimits, closed: [], shadow: shadow)
        for index in self.limits.indices {
            guard let time = reader.integer() else { return nil }
            self.limits[index].time = time
        }
        for _ in 0..<closedCount {
            guard let closed = Self.closed(&reader) else { return nil }
            self.closed.append(closed)
        }
    }

    static func limits(_ reader: inout LittleEndianReader, count: UInt8) -> [RateLimit]? {
        var limits: [RateLimit] = []
        for _ in 0..<count {
            guard let id = reader.integer(bytes: 2), let emission = reader.integer(bytes: 6),
                let tolerance = reader.integer(bytes: 6),
                let limit = RateLimit(
                    id: LimitID(rawValue: UInt16(truncatingIfNeeded: id)), emission: emission,
                    tolerance: tolerance)
            else { return nil }
            limits.append(limit)
        }
        return limits
    }

    private static func closed(_ reader: inout LittleEndianReader) -> Closed? {
        guard let period = reader.integer(), let epoch = reader.opaque(),
            let used = reader.integer(), let credited = reader.integer(),
            let settled = reader.byte()
        else { return nil }
        return Closed(
            period: period, epoch: Epoch(rawValue: epoch), used: used, credited: credited,
            isSettled: settled == 1)
    }

    public var encoded: [UInt8] {
        var writer = LittleEndianWriter(capacity: 256)
        writer.write([
            Self.layout, flags.rawValue, UInt8(limits.count), UInt8(nextLimits.count),
            UInt8(closed.count),
        ])
        writer.write(shadow.bytes)
        writer.write(version)
        writer.write(opaque: stamp)
        writer.write(opaque: epoch.rawValue)
        for number in [period, used, credited, granted, base] { writer.write(number) }
        for number in [periodEnd, nextPeriodEnd, quota, nextQuota] { writer.write(number) }
        for limit in limits.map(\.limit) + nextLimits { writer.write(limit) }
        for limit in limits { writer.write(limit.time) }
        for entry in closed {
            writer.write(entry.period)
            writer.write(opaque: entry.epoch.rawValue)
            writer.write(entry.used)
            writer.write(entry.credited)
            writer.write(entry.isSettled ? 1 : 0 as UInt8)
        }
        return writer.bytes
    }
}

extension LittleEndianWriter {
    mutating func write(_ limit: RateLimit) {
        write(Int64(limit.id.rawValue), bytes: 2)
        write(limit.emission, bytes: 6)
        write(limit.tolerance, bytes: 6)
    }
}

extension CounterValue.Closed {
    /// 32 bytes, as `metering_settle` and `metering_forget` take them: i8 period, c8 epoch, i8
    /// used, i8 credited.
    public var confirmation: [UInt8] {
        var writer = LittleEndianWriter(capacity: 32)
        writer.write(period)
        writer.write(opaque: epoch.rawValue)
        writer.write(used)
        writer.write(credited)
        return writer.bytes
    }
}
