public import Metering

/// How much of what the database counts a clinic has, and how much its plan allows.
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

/// What the database would say to more users, patients or bytes, asked beforehand. The database decides again
/// when they come, because others may have taken the room meanwhile.
public struct CapacityAnswer: Hashable, Sendable {
    public enum Reason: String, Hashable, Sendable {
        case limitReached = "limit_reached"
        /// Allowed, because limits are only observed.
        case notEnforced = "not_enforced"
        /// Allowed, because nothing limits a clinic that has no subscription.
        case noSubscription = "no_subscription"
    }

    public let capacity: ClinicCapacity
    public let asked: LimitCounter
    public let isAllowed: Bool
    public let reasons: [Reason]

    /// How many more may be asked for at once: bytes are many.
    public static func costs(of counter: LimitCounter) -> ClosedRange<Int64> {
        counter == .storage ? 1...CounterValue.countMax : CheckRequest.costs
    }

    /// 3 of 5 used, 2 asked → allowed; 3 asked → denied, or allowed where nothing is enforced.
    ///
    /// - Parameter cost: How many more, at least 1.
    public init(_ capacity: ClinicCapacity, asked: LimitCounter, cost: Int64) {
        let fits = capacity[asked].remaining.map { cost <= $0 } ?? true
        (self.capacity, self.asked) = (capacity, asked)
        isAllowed = fits || !capacity.isEnforced
        reasons =
            switch (fits, capacity.isEnforced, capacity.hasPlan) {
            case (false, true, _): [.limitReached]
            case (false, false, _): [.notEnforced]
            case (true, _, false): [.noSubscription]
            case (true, _, true): []
            }
    }
}
