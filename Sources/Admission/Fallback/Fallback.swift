public import Metering
public import Quotas
import Synchronization
import Values

/// Answers checks during an outage, and keeps account of what it admitted.
///
/// The story of an outage of Redis:
///
/// 1. Each reply and each failure goes to a `Breaker`. While it is closed, every check goes to
///    Redis.
/// 2. A check that fails is decided here, from the terms and marks this process has of the clinic:
///    by `CounterRules`, on a value in memory, at this process's share of each limit.
/// 3. Five failures in a row open the breaker. From then on no check waits for Redis.
/// 4. Units of a call that Redis surely did not count go to the journal, and from there to
///    PostgreSQL. If Redis may have counted the call, its late reply decides. Without any reply the
///    units are in `LossBound` alone, so no unit is counted twice.
/// 5. A clinic without known terms is read from PostgreSQL. If that is unavailable too, the clinic
///    gets a fixed allowance.
/// 6. A probe calls Redis beside the checks. When enough probes succeed, checks go to Redis again.
///    The units admitted meanwhile are carried in later local counts until a mark or the ledger has
///    them, so that a second outage does not admit them again.
///
/// docs/decisions/0019-outage-fallback.md gives the reasons.
public final class Fallback: Sendable {
    public enum Event: Sendable {
        case outageStarted(reason: String)
        case outageEnded(after: Duration)
    }

    /// Clocks and servers that the fallback uses.
    public struct Dependencies: Sendable {
        /// A clock of this process, µs from 0 on; it never goes back.
        let uptime: @Sendable () -> Int64
        /// The wall clock, µs since 1970, until a reply shows the clock of Redis.
        let wallClock: @Sendable () -> Int64
        /// The clock of Redis; nil when Redis takes no writes or is slow.
        let probe: @Sendable () async -> Int64?
        let onEvent: @Sendable (Event) -> Void

        public init(
            uptime: (@Sendable () -> Int64)? = nil, wallClock: @escaping @Sendable () -> Int64,
            probe: @escaping @Sendable () async -> Int64?,
            onEvent: @escaping @Sendable (Event) -> Void = { _ in }
        ) {
            let start = ContinuousClock.now
            self.uptime = uptime ?? { (ContinuousClock.now - start).wholeMicroseconds + 1 }
            (self.wallClock, self.probe, self.onEvent) = (wallClock, probe, onEvent)
        }
    }

    struct State {
        var redis = Breaker()
        /// For PostgreSQL, which is read for clinics without known terms.
        var database = Breaker()
        var clock = StoreClock()
        var workers: Int64 = 1
        var counters: FallbackCounters
        var stats = FallbackStats()
        var outageStartedAt: Int64?
        /// Calls that Redis may still answer, by their nonce.
        var pending: [UInt64: PendingCall] = [:]
        /// Units that those admitted.
        var pendingUnits: Int64 = 0
    }

    /// A call of which one half of the story is known.
    enum PendingCall {
        /// The caller has its answer, which admitted so many units; Redis has not replied.
        case decided(Month?, units: Int64)
        /// Redis replied before the call was decided here.
        case replied(CallOutcome)
    }

    /// Beyond this many a call counts as ambiguous at once.
    static let pendingMax = 20_000

    public let policy: OutagePolicy
    let marks: HighWaterMarks
    let journal: (any UsageJournal)?
    let dependencies: Dependencies
    let state: Mutex<State>
    private let isOutage = Atomic<Bool>(false)

    public init(
        _ policy: OutagePolicy, marks: HighWaterMarks, journal: (any UsageJournal)?,
        _ dependencies: Dependencies
    ) {
        (self.policy, self.marks, self.journal) = (policy, marks, journal)
        self.dependencies = dependencies
        state = Mutex(State(counters: FallbackCounters(policy)))
    }

    /// Whether checks are kept from Redis.
    public var isRedisUnavailable: Bool { isOutage.load(ordering: .acquiring) }

    public var stats: FallbackStats { state.withLock { $0.stats } }

    /// What can be wrong at most after an outage that starts or runs now.
    public var bound: LossBound {
        state.withLock { state in
            LossBound(
                policy: policy, workers: state.workers, stats: state.stats,
                pending: state.pendingUnits, counted: Int64(state.counters.clinicsCounted))
        }
    }

    /// Sets how many processes share the limits.
    public func note(liveWorkers: Int64) {
        state.withLock { $0.workers = max(1, liveWorkers) }
    }

    // MARK: Terms

    /// Keeps what PostgreSQL said about a clinic.
    ///
    /// - Parameter delivered: Units of this process's journal that the adjustments include.
    public func learn(
        _ terms: ClinicTerms, of clinic: ClinicID, including delivered: [Month: Int64] = [:]
    ) {
        state.withLock { $0.counters.learn(terms, of: clinic, including: delivered) }
    }

    /// Keeps what a reply of the counter shows of a clinic, in a process without PostgreSQL.
    func learn(_ reply: CounterReply, of clinic: ClinicID) {
        guard reply.verdict == .allowed || reply.verdict == .denied else { return }
        state.withLock { $0.counters.learn(reply, of: clinic) }
    }

    public func forget(_ clinic: ClinicID) {
        state.withLock { $0.counters.forget(clinic) }
    }

    func knows(_ clinic: ClinicID) -> Bool { state.withLock { $0.counters.knows(clinic) } }

    // MARK: Clocks

    var uptime: Int64 { dependencies.uptime() }

    /// The clock of Redis as far as it is known, µs since 1970.
    var storeTime: Int64 {
        let now = uptime
        return state.withLock { $0.clock.estimate(at: now) } ?? dependencies.wallClock()
    }

    /// The clock of Redis after which a request that is sent now may change nothing; 0 = not known.
    func notAfter(sentAt now: Int64) -> Int64 {
        guard let latest = state.withLock({ $0.clock.latest(at: now) }) else { return 0 }
        return latest + policy.checkTimeout.wholeMicroseconds
    }

    // MARK: Redis

    /// Redis replied to a call, with its clock.
    func redisReplied(at time: Int64, sentAt: Int64) {
        let now = uptime
        state.withLock { state in
            state.redis.succeeded()
            state.clock.learn(time, sentAt: sentAt, receivedAt: now)
        }
    }

    func redisFailed(_ error: QuotaError) {
        let now = uptime
        let opened = state.withLock { state in
            let opened = state.redis.failed(at: now)
            if opened {
                state.outageStartedAt = now
                state.counters.beginCounting()
            }
            return opened
        }
        guard opened else { return }
        isOutage.store(true, ordering: .releasing)
        dependencies.onEvent(.outageStarted(reason: "\(error)"))
        Task { [weak self] in
            while let wait = self?.untilProbe {
                try? await Task.sleep(for: wait)
                await self?.probe()
            }
        }
    }

    private var untilProbe: Duration? {
        let now = uptime
        return state.withLock { $0.redis.probeAt }.map { .microseconds(max(0, $0 - now)) }
    }

    func probe() async {
        let sentAt = uptime
        guard state.withLock({ $0.redis.takeProbe(at: sentAt) }) else { return }
        let time = await dependencies.probe()
        let now = uptime
        let startedAt: Int64? = state.withLock { state in
            if let time { state.clock.learn(time, sentAt: sentAt, receivedAt: now) }
            guard state.redis.probed(isGood: time != nil, at: now) else { return nil }
            state.counters.endCounting(
                at: state.clock.estimate(at: now) ?? dependencies.wallClock(),
                keepsAllowances: state.database.isOpen)
            defer { state.outageStartedAt = nil }
            return state.outageStartedAt ?? now
        }
        guard let startedAt else { return }
        isOutage.store(false, ordering: .releasing)
        dependencies.onEvent(.outageEnded(after: .microseconds(now - startedAt)))
    }

    // MARK: PostgreSQL

    /// Whether PostgreSQL may be read for a clinic now: while it is unavailable, only as a probe.
    var mayReadDatabase: Bool {
        let now = uptime
        return state.withLock { state in
            !state.database.isOpen || state.database.takeProbe(at: now)
        }
    }

    func databaseReplied(_ isGood: Bool) {
        let now = uptime
        state.withLock { state in
            if state.database.probed(isGood: isGood, at: now) || isGood {
                state.database.succeeded()
            } else {
                _ = state.database.failed(at: now)
            }
        }
    }
}
