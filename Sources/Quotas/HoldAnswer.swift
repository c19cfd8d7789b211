import Metering

/// What a check with a request id is answered with.
public struct OnceAnswer: Hashable, Sendable {
    public enum Memory: Hashable, Sendable {
        /// The id was new.
        case first
        /// The id was told before: nothing was counted now.
        case repeated
        /// Counted, but there was no room to remember the id.
        case forgotten
        /// The id was told before with another limit, mode, cost or access: nothing was counted now.
        case otherCall
    }

    public let answer: QuotaAnswer
    public let memory: Memory
}

/// What a reservation is answered with.
public enum ReserveAnswer: Hashable, Sendable {
    case held(Held)
    /// The id was told before, and its hold has ended.
    case ended(HoldEnding)
    /// A limit, the quota, the standing or the number of open holds said no.
    case denied(QuotaDecision)
    /// The clinic has a thousand holds.
    case tooMany(retryAfter: Duration)
    /// The id names a hold of other units or of another limit.
    case otherCall
    case unknownClinic
    case noSuchLimit

    public struct Held: Hashable, Sendable {
        public let units: Int64
        /// µs since 1970, by the clock of Redis.
        public let ends: Int64
        public let isRepeated: Bool
        public let period: QuotaDecision.Period
    }
}

/// How a hold ended.
public struct HoldEnding: Hashable, Sendable {
    public enum State: String, Hashable, Sendable {
        case committed, released
        /// Its time had passed.
        case expired
    }

    public let state: State
    /// Units that stay used.
    public let units: Int64
    /// It had ended before: nothing changed now.
    public let isRepeated: Bool
    /// What comes back waits in Redis until PostgreSQL has given it back.
    public let waits: Bool
    public let period: QuotaDecision.Period
}

/// What a commit or a release is answered with.
public enum SettleAnswer: Hashable, Sendable {
    case ended(HoldEnding)
    /// More than the units that are held.
    case tooMuch(held: Int64)
    /// Nobody reserved this id, or it ended hours ago.
    case unknownHold
    case unknownClinic
}

/// What a refund is answered with.
public enum RefundAnswer: Hashable, Sendable {
    case refunded(Refund)
    /// More than the period used, beside what is held.
    case tooMuch(QuotaDecision.Period)
    /// The id names a refund of other units.
    case otherCall
    /// No room to remember another refund this hour, or another one that waits.
    case tooMany
    case unknownClinic

    public struct Refund: Hashable, Sendable {
        public let units: Int64
        public let isRepeated: Bool
        public let waits: Bool
        public let period: QuotaDecision.Period
    }
}

extension HoldEnding {
    /// Nil when the reply tells no end of a hold.
    init?(_ told: HoldReply) {
        switch told.outcome {
        case .committed: state = .committed
        case .released: state = .released
        case .expired: state = .expired
        default: return nil
        }
        (units, isRepeated, waits) = (told.units, told.isRepeated, told.waits)
        period = QuotaDecision.Period(told.reply)
    }
}
