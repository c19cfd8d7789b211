public import Metering

/// How much of what the database counts a clinic uses, and how much its plan allows.
public struct ClinicCapacity: Hashable, Sendable {
    public struct Share: Hashable, Sendable {
        public let used: Int64
        /// Nil = unlimited.
        public let limit: Int64?

        public init(used: Int64, limit: Int64?) {
            (self.used, self.limit) = (used, limit)
        }

        /// Nil = unlimited; 0 also for a clinic that is over its plan.
        public var remaining: Int64? { limit.map { max(0, $0 &- used) } }
    }

    public let users: Share
    public let patients: Share
    /// Bytes.
    public let storage: Share
    /// False while the database only counts and refuses nothing.
    public let isEnforced: Bool
    public let hasPlan: Bool

    public init(users: Share, patients: Share, storage: Share, isEnforced: Bool, hasPlan: Bool) {
        (self.users, self.patients, self.storage) = (users, patients, storage)
        (self.isEnforced, self.hasPlan) = (isEnforced, hasPlan)
    }

    public subscript(counter: LimitCounter) -> Share {
        switch counter {
        case .users: users
        case .patients: patients
        case .storage: storage
        }
    }
}
