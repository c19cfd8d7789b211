import Metering
import Synchronization
import TestSupport
import Testing

@testable import Admission
@testable import Quotas

/// A gate whose stores a test makes unavailable, with clocks that a test moves.
private final class OutageSite: Sendable {
    let counters = MemoryCounters()
    let settings = MemoryTerms()
    let journal = MemoryJournal()
    let fallback: Fallback
    let gate: QuotaGate
    let clinic = ClinicID(high: 1, low: 2)
    let clock = ClockBox()

    final class ClockBox: Sendable { let now = Mutex<Int64>(1) }

    init(_ policy: OutagePolicy = OutagePolicy(), unknownPerSecond: Int = 10) throws {
        let (counters, clock) = (counters, clock)
        let marks = HighWaterMarks()
        fallback = Fallback(
            policy, marks: marks, journal: journal,
            Fallback.Dependencies(
                uptime: { clock.now.withLock(\.self) },
                wallClock: { 1_795_428_007_000_000 },
                probe: {
                    counters.state.withLock { $0.isUnavailable ? nil : $0.now }
                }))
        gate = QuotaGate(
            counters: counters, terms: settings, marks: marks, fallback: fallback,
            loading: LoadingPace(unknownClinicsPerSecond: unknownPerSecond))
    }

    func put(_ plan: String?, of clinic: ClinicID? = nil, ledger: [Epoch: Int64] = [:]) throws {
        let features = try plan.map { try PlanFeatures(json: $0) }
        let month = try #require(Month("2026-11"))
        settings.state.withLock {
            $0.clinics[clinic ?? self.clinic] = ClinicTerms(
                version: 1, plan: features, access: .open, month: month, ledger: ledger,
                adjustments: 0)
        }
    }

    func setUnavailable(_ isUnavailable: Bool = true) {
        counters.state.withLock { $0.isUnavailable = isUnavailable }
    }

    func decision(
        _ clinic: ClinicID? = nil, limit: String = LimitID.defaultName, cost: Int64 = 1
    ) async throws -> QuotaDecision {
        let answer = try await gate.check(clinic ?? self.clinic, limit: limit, cost: cost)
        guard case .decided(let decision) = answer else {
            throw TestFailure("the answer is .decided, not \(answer)")
        }
        return decision
    }

    /// Moves our clock until the fallback has found Redis again.
    func endOutage() async throws {
        setUnavailable(false)
        try await waitUntil("Redis is found again") {
            clock.now.withLock { $0 += 1_000_000 }
            await fallback.probe()
            return !fallback.isRedisUnavailable
        }
    }
}

extension HoldCall {
    fileprivate var notAfter: Int64 {
        switch self {
        case .checkOnce(let request, _), .reserve(let request, _): request.notAfter
        case .commit(let claim, _, _), .release(let claim, _), .refund(let claim, _, _):
            claim.notAfter
        }
    }
}

final class MemoryJournal: UsageJournal {
    let units = Mutex<[ClinicID: Int64]>([:])
    let isFull = Atomic<Bool>(false)
    /// Runs before a record is kept.
    let before = Mutex<(@Sendable () -> Void)?>(nil)

    func append(_ clinic: ClinicID, _ month: Month, units: Int64) -> Bool {
        before.withLock(\.self)?()
        guard !isFull.load(ordering: .relaxed) else { return false }
        self.units.withLock { $0[clinic, default: 0] += units }
        return true
    }

    subscript(clinic: ClinicID) -> Int64 { units.withLock { $0[clinic] ?? 0 } }
}

private let plan = #"""
    {"limits": {"default": {"rate": 1, "per": "1s", "burst": 6},
                "export": {"rate": 5, "per": "1s", "on_outage": "deny"}}, "quota": {"api_calls": 100}}
    """#

@Suite(.timed) struct `A gate without its counters` {
    private let site: OutageSite

    init() throws {
        site = try OutageSite()
        try site.put(plan, ledger: [Epoch(rawValue: 9): 30])
    }

    @Test func `decides by the clinic's own limits, and journals what it lets through`()
        async throws
    {
        #expect(try await !site.decision().isDegraded)
        site.setUnavailable()
        for call in 1...6 {
            let decision = try await site.decision()
            #expect(decision.isAllowed && decision.isDegraded)
            // 30 in the ledger, one that Redis counted, and those that were decided here.
            #expect(decision.period.used == 31 + Int64(call))
        }
        let denied = try await site.decision()
        #expect(!denied.isAllowed && denied.isDegraded && denied.reasons == [.rateLimit])
        #expect(site.journal[site.clinic] == 6)
        #expect(site.fallback.stats.allowed == 6 && site.fallback.stats.denied == 1)
    }

    @Test func `admits its share of a limit that several workers share`() async throws {
        _ = try await site.decision()
        site.fallback.note(liveWorkers: 3)
        site.setUnavailable()
        var allowed = 0
        for _ in 0..<6 { if try await site.decision().isAllowed { allowed += 1 } }
        #expect(allowed == 2)
    }

    @Test func `holds the month's quota as far as it is known`() async throws {
        try site.put(#"{"quota": {"api_calls": 33}}"#, ledger: [Epoch(rawValue: 9): 30])
        _ = try await site.decision()
        site.setUnavailable()
        for _ in 0..<2 { #expect(try await site.decision().isAllowed) }
        #expect(try await site.decision().reasons == [.quota])
    }

    @Test func `gives what is left of the quota once, however often Redis leaves`() async throws {
        try site.put(#"{"quota": {"api_calls": 10}}"#)
        _ = try await site.decision()
        var allowed: Int64 = 0
        for _ in 0..<3 {
            site.setUnavailable()
            for _ in 0..<15 { if try await site.decision().isAllowed { allowed += 1 } }
            #expect(allowed == 9)
            try await site.endOutage()
        }
        #expect(site.journal[site.clinic] == 9)
    }

    @Test func `counts what it let through once when the ledger has it`() async throws {
        try site.put(#"{"quota": {"api_calls": 10}}"#)
        _ = try await site.decision()
        site.setUnavailable()
        for _ in 0..<5 { #expect(try await site.decision().isAllowed) }
        let month = try #require(Month("2026-11"))
        let found = site.settings.state.withLock { state in
            state.clinics[site.clinic]?.adjustments = 5
            return state.clinics[site.clinic]
        }
        site.gate.learn(try #require(found), of: site.clinic, including: [month: 5])
        #expect(try await site.decision().period.used == 7)
        for _ in 0..<3 { #expect(try await site.decision().isAllowed) }
        #expect(try await !site.decision().isAllowed)
    }

    @Test func `takes over what is learnt of a clinic meanwhile`() async throws {
        _ = try await site.decision()
        site.setUnavailable()
        #expect(try await site.decision().isAllowed)
        var found = try #require(site.settings.state.withLock { $0.clinics[site.clinic] })
        (found.access, found.version) = (.ended, 2)
        site.gate.learn(found, of: site.clinic)
        #expect(try await !site.decision().isAllowed)
        found.access = .open
        site.gate.learn(found, of: site.clinic)
        var allowed = 0
        for _ in 0..<10 { if try await site.decision().isAllowed { allowed += 1 } }
        // One of the burst of six was used before.
        #expect(allowed == 5)
    }

    @Test func `gives a limit's burst once while Redis comes and goes`() async throws {
        _ = try await site.decision()
        var allowed = 0
        for _ in 0..<4 {
            site.setUnavailable()
            for _ in 0..<10 { if try await site.decision().isAllowed { allowed += 1 } }
            site.setUnavailable(false)
            while site.fallback.isRedisUnavailable {
                site.clock.now.withLock { $0 += 100_000 }
                await site.fallback.probe()
            }
        }
        // The clock of Redis stands still: what it tells is never later.
        #expect(allowed <= 8)
    }

    @Test func `makes way for an outage's counts where calls were lost before it`() async throws {
        let site = try OutageSite(OutagePolicy(clinicsMax: 2))
        let clinics = (1...3).map { ClinicID(high: 1, low: UInt64($0)) }
        for clinic in clinics { try site.put(#"{"quota": {"api_calls": 100}}"#, of: clinic) }
        for clinic in clinics { _ = try await site.decision(clinic) }
        // One lost call each: too few for an outage, and both counts are kept.
        site.setUnavailable()
        for clinic in clinics.prefix(2) { #expect(try await site.decision(clinic).isDegraded) }
        site.setUnavailable(false)
        #expect(try await !site.decision(clinics[0]).isDegraded)
        #expect(!site.fallback.isRedisUnavailable)
        site.setUnavailable()
        for _ in 1...5 { #expect(try await site.decision(clinics[0]).isDegraded) }
        #expect(site.fallback.isRedisUnavailable)
        #expect(try await site.decision(clinics[2]).isDegraded)
    }

    @Test func `does not take a full queue for an outage`() async throws {
        _ = try await site.decision()
        site.counters.state.withLock { $0.isBusy = true }
        for _ in 0..<30 {
            await #expect(throws: QuotaError.busy) { try await site.decision() }
        }
        #expect(!site.fallback.isRedisUnavailable && site.fallback.stats == FallbackStats())
    }

    @Test func `does not decide where the plan says deny`() async throws {
        _ = try await site.decision()
        site.setUnavailable()
        await #expect(throws: QuotaError.self) { try await site.decision(limit: "export") }
        #expect(site.journal[site.clinic] == 0)
    }

    @Test func `asks Redis no more after five failures, and again when it is back`() async throws {
        _ = try await site.decision()
        site.setUnavailable()
        for _ in 0..<5 { _ = try await site.decision() }
        #expect(site.fallback.isRedisUnavailable)
        let before = site.counters.state.withLock(\.calls)
        for _ in 0..<20 { _ = try await site.decision() }
        #expect(site.counters.state.withLock(\.calls) == before)
        try await site.endOutage()
        #expect(!site.fallback.isRedisUnavailable)
        #expect(try await !site.decision().isDegraded)
    }

    @Test func `reads a clinic from PostgreSQL while Redis is unavailable`() async throws {
        site.setUnavailable()
        #expect(try await site.decision().isDegraded)
        #expect(try await site.decision(limit: LimitID.defaultName).period.used == 32)
        #expect(site.settings.state.withLock(\.questions) == 1)
        #expect(try await site.gate.check(ClinicID(high: 7, low: 7)) == .unknownClinic)
    }

    @Test func `admits a fixed number of units when no store knows the clinic`() async throws {
        let site = try OutageSite(OutagePolicy(allowance: 3))
        site.setUnavailable()
        site.settings.state.withLock { $0.isUnavailable = true }
        for _ in 0..<3 { #expect(try await site.decision().isDegraded) }
        await #expect(throws: QuotaError.self) { try await site.decision() }
        #expect(site.journal[site.clinic] == 3)
        #expect(site.fallback.bound.perUnknownClinic == 3)
    }

    @Test func `answers a clinic that only PostgreSQL knows while that is unavailable`()
        async throws
    {
        site.settings.state.withLock { $0.isUnavailable = true }
        #expect(try await site.decision().isDegraded)
        #expect(site.journal[site.clinic] == 1)
        let denying = try OutageSite(OutagePolicy(onOutage: .deny))
        denying.settings.state.withLock { $0.isUnavailable = true }
        await #expect(throws: QuotaError.termsUnavailable("a test made it unavailable")) {
            try await denying.decision()
        }
    }

    /// Without it Redis would count what waited before it, long after its caller was told 503.
    @Test
    func `sets a last moment for calls with an id, and sends none during an outage`()
        async throws
    {
        let id = CallID(high: 0, low: 1)
        _ = try await site.decision()
        let now = site.counters.state.withLock(\.now)
        let reserve = { try await site.gate.reserve(site.clinic, id: id, for: .seconds(60)) }
        let calls: [() async throws -> Void] = [
            { _ = try await reserve() },
            { _ = try await site.gate.check(site.clinic, requestID: id) },
            { _ = try await site.gate.refund(site.clinic, id: id, units: 1) },
            { _ = try await site.gate.release(site.clinic, id: id) },
        ]
        for call in calls {
            try await call()
            let last = try #require(site.counters.state.withLock(\.lastHold)?.notAfter)
            #expect((now...now + 1_000_000).contains(last))
        }
        site.setUnavailable()
        for _ in 0..<5 { await #expect(throws: QuotaError.self) { try await reserve() } }
        #expect(site.fallback.isRedisUnavailable)
        let before = site.counters.state.withLock(\.calls)
        for call in calls { await #expect(throws: QuotaError.self) { try await call() } }
        #expect(site.counters.state.withLock(\.calls) == before)
    }

    @Test func `makes a call with an id again when the clock of Redis was set`() async throws {
        _ = try await site.decision()
        site.counters.state.withLock { $0.now += 60_000_000 }
        let answer = try await site.gate.reserve(
            site.clinic, id: CallID(high: 0, low: 1), for: .seconds(60))
        guard case .held = answer else { throw TestFailure("the answer is .held, not \(answer)") }
    }

    @Test func `reports what the journal had no space for`() async throws {
        _ = try await site.decision()
        site.setUnavailable()
        site.journal.isFull.store(true, ordering: .relaxed)
        #expect(try await site.decision(cost: 2).isAllowed)
        #expect(site.fallback.stats.unkept == 2 && site.fallback.bound.missing == 2)
    }
}

@Suite(.timed) struct `A call that Redis did not answer in time` {
    private let site: OutageSite
    private let pending = QuotaError.unanswered("a test held it up", isReplyPending: true)

    init() throws {
        site = try OutageSite()
        try site.put(plan)
    }

    private func request() -> CheckRequest {
        CheckRequest(limit: 1, mode: .consume, cost: 2, mark: nil, nonce: .random(in: 1 ... .max))
    }

    private func decide(_ request: CheckRequest, after error: QuotaError? = nil) {
        let decision = site.fallback.decide(site.clinic, request, after: error ?? pending) { _ in ""
        }
        guard case .answer(_, 2) = decision else {
            Issue.record("\(decision)")
            return
        }
    }

    @Test(arguments: [true, false])
    func `is not journaled when Redis counted it`(isLateFirst: Bool) async throws {
        _ = try await site.decision()
        let request = request()
        let reply = try await site.counters.check(site.clinic, request)
        if isLateFirst { site.fallback.late(site.clinic, request, .replied(reply)) }
        decide(request)
        if !isLateFirst { site.fallback.late(site.clinic, request, .replied(reply)) }
        #expect(site.journal[site.clinic] == 0 && site.fallback.stats.ambiguous == 0)
        #expect(site.gate.marks.mark(of: site.clinic)?.used == 3)
    }

    @Test func `may be missing for as long as its answer may come`() async throws {
        _ = try await site.decision()
        let request = request()
        decide(request)
        #expect(site.fallback.bound.missing == 2)
        site.fallback.late(site.clinic, request, .refused)
        #expect(site.fallback.bound.missing == 0)
        await site.fallback.awaitLateReplies(within: .seconds(60))
    }

    @Test(arguments: [true, false])
    func `is journaled when Redis refused it`(isLateFirst: Bool) async throws {
        _ = try await site.decision()
        let request = request()
        if isLateFirst { site.fallback.late(site.clinic, request, .refused) }
        decide(request)
        if !isLateFirst { site.fallback.late(site.clinic, request, .refused) }
        #expect(site.journal[site.clinic] == 2)
    }

    @Test func `is in the bound and not in the journal when its outcome stays unknown`()
        async throws
    {
        _ = try await site.decision()
        let first = request()
        decide(first)
        site.fallback.late(site.clinic, first, .unknown)
        decide(request(), after: .unanswered("the connection broke", isReplyPending: false))
        #expect(site.journal[site.clinic] == 0)
        #expect(site.fallback.stats.ambiguous == 4 && site.fallback.bound.missing == 4)
    }

    @Test func `is too much when Redis counted what was denied`() async throws {
        _ = try await site.decision()
        let request = request()
        site.fallback.endUndecided(site.clinic, request, after: pending)
        let reply = try await site.counters.check(site.clinic, request)
        site.fallback.late(site.clinic, request, .replied(reply))
        #expect(site.fallback.bound.excess == 2)
    }

    /// A process that ends waits until nothing is owed.
    @Test func `is owed until the journal has it`() async throws {
        _ = try await site.decision()
        let request = request()
        decide(request)
        let owed = Atomic<Int64>(-1)
        site.journal.before.withLock { before in
            before = { [fallback = site.fallback] in
                owed.store(fallback.bound.missing, ordering: .relaxed)
            }
        }
        site.fallback.late(site.clinic, request, .refused)
        #expect(owed.load(ordering: .relaxed) == 2 && site.fallback.bound.missing == 0)
    }

    @Test func `takes nothing off what other calls were let through`() async throws {
        _ = try await site.decision()
        site.setUnavailable()
        for _ in 0..<50 where !site.fallback.isRedisUnavailable { _ = try await site.decision() }
        #expect(site.fallback.isRedisUnavailable)
        let carried = site.journal[site.clinic]
        #expect(carried > 2)
        try await site.endOutage()
        let request = request()
        site.fallback.endUndecided(site.clinic, request, after: pending)
        let reply = try await site.counters.check(site.clinic, request)
        site.fallback.late(site.clinic, request, .replied(reply))
        // Redis counted three; the others are on their way.
        site.setUnavailable()
        let alone = try await site.decision()
        #expect(alone.period.used == 3 + carried + alone.admitted)
    }
}

@Suite(.timed) struct `What already happened` {
    @Test func `is counted whatever the policy says`() async throws {
        let site = try OutageSite(OutagePolicy(onOutage: .deny, allowance: 0))
        try site.put(plan)
        site.setUnavailable()
        let answer = try await site.gate.check(site.clinic, cost: 500, mode: .force)
        guard case .decided(let decision) = answer else {
            throw TestFailure("the answer is .decided, not \(answer)")
        }
        #expect(decision.isAllowed && decision.isDegraded && site.journal[site.clinic] == 500)
    }
}

@Suite(.timed) struct `The last moment of a call` {
    @Test func `is the clock of Redis and the longest wait, once that clock is known`()
        async throws
    {
        let site = try OutageSite(OutagePolicy(checkTimeout: .milliseconds(25)))
        try site.put(plan)
        #expect(site.fallback.notAfter(sentAt: 1) == 0)
        _ = try await site.decision()
        let now = site.counters.state.withLock(\.now)
        let last = site.fallback.notAfter(sentAt: site.clock.now.withLock(\.self))
        #expect((now + 25_000...now + 25_010).contains(last))
    }

    @Test func `is not missed when the clock of Redis is set forward`() async throws {
        let site = try OutageSite()
        try site.put(plan)
        _ = try await site.decision()
        site.counters.state.withLock { $0.now += 60_000_000 }
        let decision = try await site.decision()
        #expect(decision.isAllowed && !decision.isDegraded && site.journal[site.clinic] == 0)
    }
}

@Suite(.timed) struct `Ids that are new to a process` {
    @Test func `reach PostgreSQL ten times a second`() async throws {
        let site = try OutageSite()
        var busy = 0
        let began = ContinuousClock.now
        for id in 0..<200 {
            let answer = try? await site.gate.check(ClinicID(high: 3, low: UInt64(id)))
            if answer == nil { busy += 1 }
        }
        let asked = site.settings.state.withLock(\.questions)
        // A slow machine sees seconds go by, each with its ten.
        let seconds = Int((ContinuousClock.now - began).components.seconds)
        #expect(asked >= 10 && asked <= 10 * (seconds + 2) && asked + busy == 200)
    }

    @Test func `are not held up while they turn out to be clinics`() async throws {
        let site = try OutageSite(unknownPerSecond: 1)
        for id in 0..<50 {
            let clinic = ClinicID(high: 3, low: UInt64(id))
            try site.put("{}", of: clinic)
            #expect(try await site.decision(clinic).isAllowed)
        }
    }

    @Test func `are not held up when they are announced`() async throws {
        let site = try OutageSite(unknownPerSecond: 1)
        for id in 0..<50 {
            let clinic = ClinicID(high: 3, low: UInt64(id))
            try site.put("{}", of: clinic)
            site.gate.expect(version: 1, of: clinic)
            #expect(try await site.decision(clinic).isAllowed)
        }
    }

    @Test func `pass a window of one second`() {
        var window = SecondWindow(most: 2)
        let admitted = [0, 1, 2, 999_999, 1_000_000, 1_000_001, 1_000_002].map {
            window.admits(at: $0)
        }
        #expect(admitted == [true, true, false, false, true, true, false])
    }
}

@Suite(.timed) struct `The bound of an outage` {
    @Test func `is what all workers together let through`() throws {
        let limit = try #require(
            RateLimit(
                id: LimitID(group: 1, window: 0), rate: 20, per: 1_000_000, burst: 60))
        #expect(LossBound.mostAdmitted(by: limit, workers: 3, in: 10_000_000) == 318)
    }

    @Test func `holds for every limit that is shared`() throws {
        var random = SplitMix64(seed: Seed.current("the bound of an outage"))
        for _ in 0..<2_000 {
            let limit = try #require(
                RateLimit(
                    id: LimitID(group: 1, window: 0), rate: .random(in: 1...1_000, using: &random),
                    per: 1_000_000, burst: .random(in: 1...1_000, using: &random)))
            let workers = Int64.random(in: 1...20, using: &random)
            let share = limit.shared(by: workers)
            #expect(share.burst == max(1, limit.burst / workers))
            #expect(share.emission == limit.emission * workers)
        }
        let slow = try #require(
            RateLimit(
                id: LimitID(rawValue: 4), emission: RateLimit.toleranceMax,
                tolerance: RateLimit.toleranceMax))
        #expect(slow.shared(by: 3).burst == 1)
    }
}
