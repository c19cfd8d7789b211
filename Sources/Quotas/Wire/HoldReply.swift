/// What the counter store answers to a `HoldCall`.
public struct HoldReply: Hashable, Sendable {
    public enum Outcome: UInt8, Sendable {
        /// Nothing was done; the verdict of `reply` says why.
        case none = 0
        /// The call was counted, now or when its id was first sent.
        case counted = 1
        case reserved = 2
        case committed = 3
        case released = 4
        /// The hold's time had passed: its units are given back, and nothing of it was used.
        case expired = 5
        case refunded = 6
        /// No hold has this id, or it ended too long ago.
        case unknown = 7
        /// More units than were held, or than the period used.
        case tooMuch = 8
        /// The clinic has as many holds as it may.
        case tooMany = 9
        /// The limit has as many open holds as the plan admits.
        case tooManyOpen = 10
        /// The id names another call.
        case otherCall = 11
        /// The counter's terms are newer than those that the caller sent.
        case oldLimits = 12
    }

    public var outcome: Outcome
    /// The id was known: nothing changed now.
    public var isRepeated = false
    /// Counted, but there was no space to remember the id: a repeat counts again.
    public var isForgotten = false
    /// Units wait in Redis until PostgreSQL has given them back.
    public var waits = false
    /// Units that are held, stay used or were given back.
    public var units: Int64 = 0
    /// When the hold ends, µs since 1970, or how long until one ends, µs.
    public var time: Int64 = 0
    public var reply: CounterReply

    static let headBytes = 16
}

extension HoldReply {
    /// Nil when these bytes are no reply.
    public init?(decoding bytes: [UInt8]) {
        var reader = LittleEndianReader(bytes)
        guard let code = reader.byte(), let outcome = Outcome(rawValue: code),
            let marks = reader.byte(), marks < 8, reader.integer(bytes: 2) != nil,
            let units = reader.integer(bytes: 4), let time = reader.integer(),
            (0...CounterValue.countMax).contains(time),
            let reply = CounterReply(decoding: Array(bytes.dropFirst(Self.headBytes)))
        else { return nil }
        self.init(
            outcome: outcome, isRepeated: marks & 1 != 0, isForgotten: marks & 2 != 0,
            waits: marks & 4 != 0, units: units, time: time, reply: reply)
    }

    /// The packed form that the Lua functions return.
    public var encoded: [UInt8] {
        var writer = LittleEndianWriter(capacity: Self.headBytes)
        let marks = (isRepeated ? 1 : 0) + (isForgotten ? 2 : 0) + (waits ? 4 : 0)
        writer.write([outcome.rawValue, UInt8(marks), 0, 0])
        writer.write(units, bytes: 4)
        writer.write(time)
        return writer.bytes + reply.encoded
    }
}
