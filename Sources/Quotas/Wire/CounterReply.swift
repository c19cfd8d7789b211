public import Metering

/// What a function of the `metering` library answers for one clinic.
public struct CounterReply: Hashable, Sendable {
    public enum Verdict: UInt8, Sendable {
        case allowed = 1
        case denied = 2
        /// Redis holds nothing for this clinic: configure it, then send again.
        case miss = 3
        /// Both periods that the value knows have passed: configure it, then send again.
        case stale = 4
        /// Eight closed counts wait for PostgreSQL; nothing more can be counted until it confirms
        /// one.
        case unsettled = 5
        /// The value is not one that any version writes, or it could not be written.
        case unreadable = 6
        /// The clinic's plan has no limit of that name.
        case noSuchLimit = 7
        /// The request itself is malformed.
        case invalid = 8
        case configured = 9
        /// The value holds newer terms; `configVersion` is their version.
        case older = 10
        /// The value holds other inputs under the same version number.
        case conflict = 11
        /// The terms name a period that is not the current one by the clock of Redis.
        case otherPeriod = 12
        /// The last moment of the call had passed; no byte changed.
        case expired = 13
    }

    /// The state of one limit, after the call if it was counted.
    public struct Limit: Hashable, Sendable {
        public var id: LimitID
        public var remaining: Int64
        /// Time until all of the burst is free again, µs.
        public var untilFull: Int64
        public var burst: Int64
        /// Time in which an empty limit fills up, µs.
        public var tolerance: Int64
        /// As the counter holds it: time of one unit, µs, and when all that was admitted is paid
        /// for.
        var emission: Int64 = 1
        var time: Int64 = 0
    }

    public var verdict: Verdict
    public var flags: StandingFlags
    /// What denied: bit i = limit i of `limits`, 256 = quota, 512 = ended, 1024 = read only. Of a
    /// call that was forced: what would have. Of `atMost`: what refused the first copy that was not
    /// admitted.
    public var mask: UInt32
    public var configVersion: Int64
    /// The counts as Redis holds them after this call.
    public var mark: Mark
    /// The clock of Redis, µs since 1970.
    public var now: Int64
    /// Shortest wait after which the same call, or one more copy of it, can be allowed, µs; −1 =
    /// waiting does not help.
    public var wait: Int64
    /// Units of the period in all epochs.
    public var usage: Int64
    /// −1 = no quota.
    public var quota: Int64
    public var periodEnd: Int64
    public var limits: [Limit]
    /// What would have denied but is in shadow, in the bits of `mask`.
    public var wouldDeny: UInt32 = 0
    /// Copies that were admitted: 0 or 1, or up to `count` of `atMost`.
    public var admitted: Int64 = 0
    /// How many of the admitted copies nothing in shadow would have denied.
    public var clean: Int64 = 0
    /// Which limits are in shadow: bit i = limit i.
    public var shadow: UInt8 = 0

    public static let quotaBit: UInt32 = 256
    public static let endedBit: UInt32 = 512
    public static let readOnlyBit: UInt32 = 1024
    /// As many holds are open as the limit admits. Only a reservation is denied so; Redis never
    /// sets this bit.
    package static let concurrencyBit: UInt32 = 2048
    /// The numbers that a reply may hold: Lua counts exactly below 2^53.
    static let counts = 0...CounterValue.countMax
    static let headBytes = 100
    static let limitBytes = 22
}

extension CounterReply {
    /// Nil when these bytes are no reply: a hostile or foreign Redis must not make the process
    /// trap.
    public init?(decoding bytes: [UInt8]) {
        var reader = LittleEndianReader(bytes)
        guard bytes.count >= Self.headBytes, let code = reader.byte(),
            let verdict = Verdict(rawValue: code), let flags = reader.byte(),
            let count = reader.byte(), count <= CounterValue.limitsMax,
            let shadow = reader.byte(),
            bytes.count == Self.headBytes + Int(count) * Self.limitBytes,
            let mask = reader.integer(bytes: 4), let wouldDeny = reader.integer(bytes: 4),
            let admitted = reader.integer(bytes: 4), let clean = reader.integer(bytes: 4),
            clean <= admitted, admitted <= CheckRequest.counts.upperBound,
            let version = reader.integer(),
            let epoch = reader.opaque(), let period = reader.integer(),
            let used = reader.integer(), let credited = reader.integer(),
            let now = reader.integer(),
            let wait = reader.integer(), let usage = reader.integer(), let quota = reader.integer(),
            let periodEnd = reader.integer(),
            Self.counts.contains(now), Self.counts.contains(used), Self.counts.contains(credited),
            Self.counts.contains(period), Self.counts.contains(periodEnd),
            Self.counts.contains(version), wait == -1 || Self.counts.contains(wait),
            quota == -1 || Self.counts.contains(quota),
            usage.magnitude <= CounterValue.countMax
        else { return nil }
        self.init(
            verdict: verdict, flags: StandingFlags(rawValue: flags),
            mask: UInt32(truncatingIfNeeded: mask), configVersion: version,
            mark: Mark(
                period: period, epoch: Epoch(rawValue: epoch), used: used, credited: credited,
                configVersion: version, seenAt: now),
            now: now, wait: wait, usage: usage, quota: quota, periodEnd: periodEnd, limits: [],
            wouldDeny: UInt32(truncatingIfNeeded: wouldDeny), admitted: admitted, clean: clean,
            shadow: shadow)
        guard let held = CounterValue.limits(&reader, count: count) else { return nil }
        for limit in held {
            guard let time = reader.integer() else { return nil }
            limits.append(Limit(limit, time: time, now: now))
        }
    }

    /// The packed form that the Lua functions return; the in-memory rules are compared with it.
    public var encoded: [UInt8] {
        var writer = LittleEndianWriter(capacity: Self.headBytes + limits.count * Self.limitBytes)
        writer.write([verdict.rawValue, flags.rawValue, UInt8(limits.count), shadow])
        for number in [Int64(mask), Int64(wouldDeny), admitted, clean] {
            writer.write(number, bytes: 4)
        }
        writer.write(configVersion)
        writer.write(opaque: mark.epoch.rawValue)
        for number in [mark.period, mark.used, mark.credited, now, wait, usage] {
            writer.write(number)
        }
        writer.write(quota)
        writer.write(periodEnd)
        for limit in limits {
            writer.write(Int64(limit.id.rawValue), bytes: 2)
            writer.write(limit.emission, bytes: 6)
            writer.write(limit.tolerance, bytes: 6)
        }
        for limit in limits { writer.write(limit.time) }
        return writer.bytes
    }

    /// An answer that carries nothing but its verdict and the time.
    package static func noAnswer(_ verdict: Verdict, now: Int64) -> CounterReply {
        CounterReply(
            verdict: verdict, flags: StandingFlags(rawValue: 0), mask: 0, configVersion: 0,
            mark: Mark(
                period: 0, epoch: .none, used: 0, credited: 0, configVersion: 0, seenAt: now),
            now: now, wait: 0, usage: 0, quota: 0, periodEnd: 0, limits: [])
    }
}

extension CounterReply.Limit {
    /// A limit at `now`, of which everything admitted is paid for at `time`.
    init(_ limit: RateLimit, time: Int64, now: Int64) {
        // A foreign value may hold any time, and a difference would overflow.
        let ahead = max(now, min(time, now + limit.tolerance)) - now
        self.init(
            id: limit.id, remaining: (limit.tolerance - ahead) / limit.emission,
            untilFull: ahead, burst: limit.burst, tolerance: limit.tolerance,
            emission: limit.emission, time: time)
    }

    /// The limit at another time, when nothing was counted in between.
    package func moved(to now: Int64) -> CounterReply.Limit {
        RateLimit(id: id, emission: emission, tolerance: tolerance)
            .map { CounterReply.Limit($0, time: time, now: now) } ?? self
    }
}
