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

extension HoldEnding {
    /// Nil when the reply shows no end of a hold.
    package init?(_ hold: HoldReply) {
        switch hold.outcome {
        case .committed: state = .committed
        case .released: state = .released
        case .expired: state = .expired
        default: return nil
        }
        (units, isRepeated, waits) = (hold.units, hold.isRepeated, hold.waits)
        period = QuotaDecision.Period(hold.reply)
    }
}
