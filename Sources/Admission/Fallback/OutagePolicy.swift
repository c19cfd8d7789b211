public import Quotas

/// How a process decides while a store is unavailable.
public struct OutagePolicy: Hashable, Sendable {
    /// For limits whose plan has no rule, and for clinics that the process does not know.
    public var onOutage: OutageRule
    /// Units that each clinic without known terms may use until the stores are back; 0 = none.
    public var allowance: Int64
    /// The longest that one call may wait for Redis.
    public var checkTimeout: Duration
    /// Most clinics whose terms are kept, and most clinics that are counted during an outage.
    public var clinicsMax: Int

    public init(
        onOutage: OutageRule = .allow, allowance: Int64 = 60,
        checkTimeout: Duration = .milliseconds(25), clinicsMax: Int = 100_000
    ) {
        (self.onOutage, self.allowance) = (onOutage, max(0, allowance))
        (self.checkTimeout, self.clinicsMax) = (checkTimeout, max(1, clinicsMax))
    }
}
