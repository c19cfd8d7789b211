/// The answer to a refund.
public enum RefundAnswer: Hashable, Sendable {
    case refunded(Refund)
    /// More than the period used, beside what is held.
    case tooMuch(QuotaDecision.Period)
    /// The id names a refund of other units.
    case otherCall
    /// No space to remember another refund this hour, or another one that waits.
    case tooMany
    case unknownClinic

    public struct Refund: Hashable, Sendable {
        public let units: Int64
        public let isRepeated: Bool
        public let waits: Bool
        public let period: QuotaDecision.Period

        package init(units: Int64, isRepeated: Bool, waits: Bool, period: QuotaDecision.Period) {
            (self.units, self.isRepeated) = (units, isRepeated)
            (self.waits, self.period) = (waits, period)
        }
    }
}
