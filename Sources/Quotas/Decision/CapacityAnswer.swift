public import Metering

/// Whether the database would accept more users, patients or bytes now. It decides again when they
/// are inserted, because others may have used the capacity meanwhile.
public struct CapacityAnswer: Hashable, Sendable {
    public enum Reason: String, Hashable, Sendable {
        case limitReached = "limit_reached"
        /// Allowed, because limits are only observed.
        case notEnforced = "not_enforced"
        /// Allowed, because nothing limits a clinic that has no subscription.
        case noSubscription = "no_subscription"
    }

    public let capacity: ClinicCapacity
    public let counter: LimitCounter
    public let isAllowed: Bool
    public let reasons: [Reason]

    /// How many more one check may name: bytes are many.
    public static func costs(of counter: LimitCounter) -> ClosedRange<Int64> {
        counter == .storage ? 1...CounterValue.countMax : CheckRequest.costs
    }

    /// 3 of 5 used, 2 more → allowed; 3 more → denied, or allowed where nothing is enforced.
    ///
    /// - Parameter cost: How many more, at least 1.
    public init(_ capacity: ClinicCapacity, of counter: LimitCounter, cost: Int64) {
        let fits = capacity[counter].remaining.map { cost <= $0 } ?? true
        (self.capacity, self.counter) = (capacity, counter)
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
