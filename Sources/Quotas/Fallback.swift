public import Metering
import Synchronization
import Values

/// Answers checks while a store is away: decides when Redis is asked at all, decides for it meanwhile, and keeps
/// account of what it let through. The one thing that a gate knows of outages.
public final class Fallback: Sendable {
    public enum Event: Sendable {
        case outageStarted(reason: String)
        /// - Parameter after: How long it was away.
        case outageEnded(after: Duration)
    }

    /// What this process reads of clocks and servers.
    public struct Dependencies: Sendable {
        /// Our own clock, µs from 0 on; it never goes back.
        let uptime: @Sendable () -> Int64
        /// The clock on the wall, µs since 1970, for as long as nothing was heard of the clock of Redis.
        let wallClock: @Sendable () -> Int64
        /// Asks Redis whether it takes writes in good time; its clock, nil when it does not.
        let probe: @Sendable () async -> Int64?
        let tell: @Sendable (Event) -> Void

        public init(
            uptime: (@Sendable () -> Int64)? = nil, wallClock: @escaping @Sendable () -> Int64,
            probe: @escaping @Sendable () async -> Int64?,
            tell: @escaping @Sendable (Event) -> Void = { _ in }
        ) {
            let start = ContinuousClock.now
            self.uptime = uptime ?? { (ContinuousClock.now - start).wholeMicroseconds + 1 }
            (self.wallClock, self.probe, self.tell) = (wallClock, probe, tell)
        }
    }

    struct State {
        var breaker = Breaker()
        /// The same for PostgreSQL, which is asked about clinics that nobody knows.
        var database = Breaker()
        var clock = StoreClock()
        var workers: Int64 = 1
        var book: FallbackCounters
        var tally = FallbackStats()
        var leftAt: Int64?
        /// Calls whose fate Redis still owes, by their nonce.
        var owed: [UInt64: Owed] = [:]
        /// Units that those let through.
        var owedUnits: Int64 = 0
    }

    enum Owed {
        /// The caller has its answer, which let so many units through.
        case decided(Month?, units: Int64)
        /// Redis was faster than we.
        case told(CallOutcome)
    }

    static let owedMax = 20_000

    public let policy: OutagePolicy
    let marks: HighWaterMarks
    let journal: (any UsageJournal)?
    let surroundings: Dependencies
    let state: Mutex<State>
    private let isAway = Atomic<Bool>(false)

    public init(
        _ policy: OutagePolicy, marks: HighWaterMarks, journal: (any UsageJournal)?,
        _ surroundings: Dependencies
    ) {
        (self.policy, self.marks, self.journal) = (policy, marks, journal)
        self.surroundings = surroundings
        state = Mutex(State(book: FallbackCounters(policy)))
    }

    // MARK: What is seen

    /// Whether calls are kept from Redis.
    public var isRedisUnavailable: Bool { isAway.load(ordering: .acquiring) }

    public var tally: FallbackStats { state.withLock { $0.tally } }

    /// What can be wrong at most after an outage that begins or runs now.
    public var bound: LossBound {
        state.withLock { state in
            LossBound(
                policy: policy, workers: state.workers, tally: state.tally,
                owed: state.owedUnits, counted: Int64(state.book.clinicsCounted))
        }
    }

    /// How many processes share the limits; the last number that was told holds.
    public func note(liveWorkers: Int64) {
        state.withLock { $0.workers = max(1, liveWorkers) }
    }

    /// What PostgreSQL said of a clinic.
    public func learn(_ settings: ClinicTerms, of clinic: ClinicID) {
        state.withLock { $0.book.learn(settings, of: clinic) }
    }

    /// What a reply of the counter said of a clinic, where nobody reads PostgreSQL.
    func learn(_ reply: CounterReply, of clinic: ClinicID) {
        guard reply.verdict == .allowed || reply.verdict == .denied else { return }
        state.withLock { $0.book.learn(reply, of: clinic) }
    }

    /// The same, when its adjustments include units of our journal.
    public func learn(
        _ settings: ClinicTerms, of clinic: ClinicID, including delivered: [Month: Int64]
    ) {
        state.withLock { $0.book.learn(settings, of: clinic, including: delivered) }
    }

    public func forget(_ clinic: ClinicID) {
        state.withLock { $0.book.forget(clinic) }
    }

    func knows(_ clinic: ClinicID) -> Bool { state.withLock { $0.book.knows(clinic) } }

    var uptime: Int64 { surroundings.uptime() }

    /// The clock of Redis as far as it is known, µs since 1970.
    var storeTime: Int64 {
        let now = uptime
        return state.withLock { $0.clock.estimate(at: now) } ?? surroundings.wallClock()
    }

    /// The clock of Redis after which a request that is sent now shall change nothing; 0 = not known.
    func notAfter(sentAt now: Int64) -> Int64 {
        guard let latest = state.withLock({ $0.clock.latest(at: now) }) else { return 0 }
        return latest + policy.checkTimeout.wholeMicroseconds
    }

    // MARK: How Redis fares

    /// A call was answered, with the clock of Redis.
    func answered(_ time: Int64, sentAt: Int64) {
        let now = uptime
        state.withLock { state in
            state.breaker.succeeded()
            state.clock.learn(time, asked: sentAt, answered: now)
        }
    }

    func failed(_ error: QuotaError) {
        let now = uptime
        let opened = state.withLock { state in
            let opened = state.breaker.failed(at: now)
            if opened { state.leftAt = now }
            return opened
        }
        guard opened else { return }
        isAway.store(true, ordering: .releasing)
        surroundings.tell(.outageStarted(reason: "\(error)"))
        Task { [weak self] in
            while let wait = self?.untilProbe {
                try? await Task.sleep(for: wait)
                await self?.probe()
            }
        }
    }

    private var untilProbe: Duration? {
        let now = uptime
        return state.withLock { $0.breaker.probeAt }.map { .microseconds(max(0, $0 - now)) }
    }

    func probe() async {
        let asked = uptime
        guard state.withLock({ $0.breaker.takeProbe(at: asked) }) else { return }
        let time = await surroundings.probe()
        let now = uptime
        let leftAt: Int64? = state.withLock { state in
            if let time { state.clock.learn(time, asked: asked, answered: now) }
            guard state.breaker.probed(isGood: time != nil, at: now) else { return nil }
            state.book.endCounting(
                at: state.clock.estimate(at: now) ?? surroundings.wallClock(),
                keepsAllowances: state.database.isOpen)
            defer { state.leftAt = nil }
            return state.leftAt ?? now
        }
        guard let leftAt else { return }
        isAway.store(false, ordering: .releasing)
        surroundings.tell(.outageEnded(after: .microseconds(now - leftAt)))
    }
}
