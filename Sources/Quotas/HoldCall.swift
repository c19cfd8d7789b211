public import Metering

/// A call of the counter store that is told by an id: a check that counts once, a reservation, a refund.
public enum HoldCall: Hashable, Sendable {
    /// Decides and counts a call once for its id; the mode is not `peek`.
    case checkOnce(CheckRequest, id: CallID)
    /// Counts units and holds them; the mode is `consume`.
    case reserve(CheckRequest, HoldTerms)
    /// Keeps `units` of a hold as used and gives the rest back; nil keeps all.
    case commit(HoldClaim, id: CallID, units: Int64?)
    /// Gives all of a hold back.
    case release(HoldClaim, id: CallID)
    /// Gives units of the running period back.
    case refund(HoldClaim, id: CallID, units: Int64)
}

/// What a reservation is, beside its request.
public struct HoldTerms: Hashable, Sendable {
    public var id: CallID
    /// Time after which the hold ends by itself, µs.
    public var timeToLive: Int64
    /// Open holds that the limit admits, 1…1,000; nil = any number.
    public var concurrent: Int64?
    /// The version of the configuration that says so.
    public var configVersion: Int64
    /// Whether the caller chose the id, so that it can ask again for an answer it lost.
    public var isNamed: Bool

    /// From 1 µs to 24 hours.
    public static let timesToLive: ClosedRange<Int64> = 1...86_400_000_000

    public init(
        id: CallID, timeToLive: Int64, concurrent: Int64?, configVersion: Int64,
        isNamed: Bool = true
    ) {
        self.id = id
        self.isNamed = isNamed
        self.timeToLive = timeToLive
        self.concurrent = concurrent
        self.configVersion = configVersion
    }

    var isInRange: Bool {
        Self.timesToLive.contains(timeToLive) && concurrent.map(HoldLimits.open.contains) ?? true
    }

    /// 36 bytes: c16 id, i8 time to live, I4 open holds that are admitted (0 = any), i8 config version.
    var encoded: [UInt8] {
        var writer = LittleEndianWriter(capacity: 36)
        writer.write(id.bytes)
        writer.write(timeToLive)
        // A number out of its range must not be read as "any".
        writer.write(isInRange ? concurrent ?? 0 : .max, bytes: 4)
        writer.write(configVersion)
        return writer.bytes
    }
}

/// What the caller of a hold saw of the clinic, so that Redis can notice that it went back.
public struct HoldClaim: Hashable, Sendable {
    public var mark: Mark?
    /// Eight random bytes that make a minted epoch unique.
    public var nonce: UInt64
    /// The clock of Redis, µs since 1970, after which the call changes nothing; 0 = none.
    public var notAfter: Int64

    public init(mark: Mark?, nonce: UInt64, notAfter: Int64 = 0) {
        (self.mark, self.nonce, self.notAfter) = (mark, nonce, notAfter)
    }

    /// 48 bytes: i8 mark period, c8 mark epoch, i8 mark used, i8 mark credited, c8 nonce, i8 not after.
    public var encoded: [UInt8] {
        var writer = LittleEndianWriter(capacity: 72)
        writer.write(mark?.period ?? 0)
        writer.write(opaque: mark?.epoch.rawValue ?? 0)
        writer.write(mark?.used ?? 0)
        writer.write(mark?.credited ?? 0)
        writer.write(opaque: nonce)
        writer.write(notAfter)
        return writer.bytes
    }

    /// The same, then the id and a number of units.
    func encoded(_ id: CallID, units: Int64) -> [UInt8] {
        var writer = LittleEndianWriter(capacity: 24)
        writer.write(id.bytes)
        writer.write(units)
        return encoded + writer.bytes
    }
}

extension HoldCall {
    /// The name of its function in the library.
    public var function: String {
        switch self {
        case .checkOnce: "metering_check_once"
        case .reserve: "metering_reserve"
        case .commit: "metering_commit"
        case .release: "metering_release"
        case .refund: "metering_refund"
        }
    }

    /// Whether it reads and writes the clinic's holds.
    public var usesHolds: Bool {
        if case .checkOnce = self { false } else { true }
    }

    public var arguments: [[UInt8]] {
        switch self {
        case .checkOnce(let request, let id): [request.encoded, id.bytes]
        case .reserve(let request, let terms): [request.encoded, terms.encoded]
        case .commit(let claim, let id, let units): [claim.encoded(id, units: units ?? -1)]
        case .release(let claim, let id): [claim.encoded(id, units: -1)]
        case .refund(let claim, let id, let units): [claim.encoded(id, units: units)]
        }
    }
}

/// How much may be held and remembered of one clinic.
public enum HoldLimits {
    /// Open holds of a clinic, and of one of its limits.
    public static let open: ClosedRange<Int64> = 1...1_000
    static let openMax = 1_000
    /// Ids of one hour: beyond the first bound calls are counted without being remembered, beyond the second
    /// the ends of holds are not remembered and refunds are refused.
    static let callsMax = 50_000
    static let idsMax = 60_000
    /// An hour, µs.
    static let hour: Int64 = 3_600_000_000
}
