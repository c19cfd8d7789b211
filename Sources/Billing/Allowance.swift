/// How much of something a plan includes.
public enum Allowance: Hashable, Sendable {
    /// No plan says anything: the clinic has no subscription.
    case none
    case unlimited
    /// A maximum of seats, patients, calls or bytes.
    case limited(Int64)

    /// The allowance of a stored limit, where −1 stands for unlimited and nil for no plan.
    ///
    /// Returns nil for any other negative number, which no plan may hold.
    public init?(stored limit: Int64?) {
        switch limit {
        case nil: self = .none
        case -1: self = .unlimited
        case let limit? where limit >= 0: self = .limited(limit)
        default: return nil
        }
    }
}
