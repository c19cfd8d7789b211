public import Metering

/// How a process answers while a store is away.
public struct OutagePolicy: Hashable, Sendable {
    /// For limits whose plan says nothing, and for clinics of which nothing is known.
    public var onOutage: OutageRule
    /// Units that each clinic of which nothing is known may use until the stores are back; 0 = none.
    public var allowance: Int64
    /// The longest that one call may wait for Redis.
    public var checkTimeout: Duration
    /// Clinics that are known, and clinics that are counted here, at most.
    public var clinicsMax: Int

    public init(
        onOutage: OutageRule = .allow, allowance: Int64 = 60,
        checkTimeout: Duration = .milliseconds(25), clinicsMax: Int = 100_000
    ) {
        (self.onOutage, self.allowance) = (onOutage, max(0, allowance))
        (self.checkTimeout, self.clinicsMax) = (checkTimeout, max(1, clinicsMax))
    }
}

/// Keeps what was let through while nobody could count it, until PostgreSQL has it.
public protocol UsageJournal: Sendable {
    /// Whether it is kept; the caller is answered after this, so it must not wait for anybody.
    func append(_ clinic: ClinicID, _ month: Month, units: Int64) -> Bool
}

/// Hears what became of requests whose callers were told that nobody knows.
public protocol LateReplyObserver: Sendable {
    func late(_ clinic: ClinicID, _ request: CheckRequest, _ fate: CallOutcome)
}

/// What became of a request that was not answered in time.
public enum CallOutcome: Hashable, Sendable {
    case replied(CounterReply)
    /// Redis refused it whole.
    case refused
    /// Nobody will ever know.
    case unknown
}

/// What was decided without a common counter since the process began.
public struct FallbackStats: Hashable, Sendable {
    /// Calls that were allowed, and calls that were denied, by this process alone.
    public var allowed: Int64 = 0
    public var denied: Int64 = 0
    /// Units in the journal.
    public var journaled: Int64 = 0
    /// Units that the journal had no room for: surely not counted.
    public var unkept: Int64 = 0
    /// Units of calls that Redis may have counted or not: never journaled, so missing at most.
    public var ambiguous: Int64 = 0
    /// Units that Redis counted although their caller was turned away: too many at most.
    public var excess: Int64 = 0

    public init() {}
}
