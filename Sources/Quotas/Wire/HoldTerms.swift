/// The terms of a reservation, beside its request.
public struct HoldTerms: Hashable, Sendable {
    public var id: CallID
    /// Time after which the hold ends by itself, µs.
    public var timeToLive: Int64
    /// Open holds that the limit admits, 1…1,000; nil = any number.
    public var concurrent: Int64?
    /// The version of the clinic's terms that says so.
    public var configVersion: Int64
    /// Whether the caller chose the id, so that it can repeat a call whose answer it lost.
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

    /// 36 bytes: c16 id, i8 time to live, I4 open holds that are admitted (0 = any), i8 config
    /// version.
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
