/// The answer to a reservation.
public enum ReserveAnswer: Hashable, Sendable {
    case held(Held)
    /// The id was known, and its hold has ended.
    case ended(HoldEnding)
    /// A limit, the quota, the standing or the number of open holds denied it.
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

        package init(units: Int64, ends: Int64, isRepeated: Bool, period: QuotaDecision.Period) {
            (self.units, self.ends) = (units, ends)
            (self.isRepeated, self.period) = (isRepeated, period)
        }
    }
}
