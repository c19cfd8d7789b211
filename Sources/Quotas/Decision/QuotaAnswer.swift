/// What a check is answered with.
public enum QuotaAnswer: Hashable, Sendable {
    case decided(QuotaDecision)
    case unknownClinic
    /// The clinic's plan has no limit of that name.
    case noSuchLimit
}
