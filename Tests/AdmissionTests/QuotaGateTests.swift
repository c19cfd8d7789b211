import Metering
import Synchronization
import TestSupport
import Testing

@testable import Admission
@testable import Quotas

@Suite(.timed) struct `The quota gate` {
    private let counters = MemoryCounters()
    private let settings = MemoryTerms()
    private let gate: QuotaGate
    private let clinic = ClinicID(high: 1, low: 2)

    init() throws {
        gate = QuotaGate(counters: counters, terms: settings, loading: .patient)
        try put(
            #"{"limits": {"default": {"rate": 1, "per": "1s", "burst": 3}}, "quota": {"api_calls": 5}}"#
        )
    }

    private func put(
        _ plan: String?, access: StandingFlags.Access = .open, version: Int64 = 1,
        ledger: [Epoch: Int64] = [:]
    ) throws {
        let features = try plan.map { try PlanFeatures(json: $0) }
        let month = try #require(Month("2026-11"))
        settings.state.withLock {
            $0.clinics[clinic] = ClinicTerms(
                version: version, plan: features, access: access, month: month, ledger: ledger,
                adjustments: 0)
        }
    }

    private func decision(
        _ cost: Int64 = 1, mode: CheckRequest.Mode = .consume
    ) async throws -> QuotaDecision {
        let answer = try await gate.check(clinic, cost: cost, mode: mode)
        guard case .decided(let decision) = answer else {
            throw TestFailure("the answer is .decided, not \(answer)")
        }
        return decision
    }

    @Test func `asks PostgreSQL once and then Redis alone`() async throws {
        for used in 1...3 { #expect(try await decision().period.used == Int64(used)) }
        #expect(settings.state.withLock { $0.questions } == 1)
    }

    @Test func `denies what the burst does not admit and says when to retry`() async throws {
        _ = try await decision(3)
        let denied = try await decision()
        #expect(!denied.isAllowed && denied.reasons == [.rateLimit])
        #expect(denied.retryAfter == .seconds(1) && denied.period.used == 3)
    }

    @Test func `counts its denials, not its peeks`() async throws {
        _ = try await decision(3)
        for _ in 0..<4 { _ = try await decision() }
        _ = try await decision(mode: .peek)
        #expect(gate.denials.denials(of: clinic) == [.rateLimit: 4])
        #expect(gate.denials.all == [.rateLimit: 4])
    }

    @Test func `denies what the quota does not admit`() async throws {
        _ = try await decision(3)
        counters.state.withLock { $0.now += 10_000_000 }
        let denied = try await decision(3)
        #expect(denied.reasons == [.quota] && denied.period.remaining == 2)
        #expect(try await decision(2).isAllowed)
    }

    @Test func `counts nothing when it peeks`() async throws {
        for _ in 0..<9 { #expect(try await decision(mode: .peek).isAllowed) }
        #expect(try await decision().period.used == 1)
    }

    @Test func `allows a clinic without a subscription everything and says so`() async throws {
        try put(nil)
        for _ in 0..<50 { #expect(try await decision(1000).reasons == [.noSubscription]) }
    }

    @Test func `refuses a clinic whose subscription has ended`() async throws {
        try put("{}", access: .ended)
        let denied = try await decision()
        #expect(!denied.isAllowed && denied.reasons == [.ended] && denied.retryAfter == nil)
    }

    @Test func `serves a suspended clinic at a tenth of the rate`() async throws {
        try put(
            #"{"limits": {"default": {"rate": 10, "per": "1s", "burst": 20}}}"#, access: .readOnly)
        let allowed = try await decision()
        #expect(allowed.reasons == [.suspended] && allowed.limits[0].burst == 2)
        #expect(allowed.limits[0].resetAfter == .seconds(1))
    }

    @Test func `remembers for two seconds that an id is unknown`() async throws {
        let unknown = ClinicID(high: 9, low: 9)
        for _ in 0..<5 { #expect(try await gate.check(unknown) == .unknownClinic) }
        #expect(settings.state.withLock { $0.questions } == 1)
        counters.state.withLock { $0.now += 2_000_001 }
        #expect(try await gate.check(unknown) == .unknownClinic)
        #expect(settings.state.withLock { $0.questions } == 2)
    }

    @Test func `forgets that an id is unknown as soon as the clinic is there`() async throws {
        let newcomer = ClinicID(high: 9, low: 9)
        #expect(try await gate.check(newcomer) == .unknownClinic)
        let known = settings.state.withLock { $0.clinics[clinic] }
        settings.state.withLock { $0.clinics[newcomer] = known }
        gate.expect(version: 1, of: newcomer)
        #expect(try await gate.check(newcomer) != .unknownClinic)
    }

    @Test func `loads a clinic once for all who wait for it`() async throws {
        settings.state.withLock { $0.held = [] }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<3 {
                group.addTask { [self] in try await decision().isAllowed }
            }
            // All three have missed; only then is the one answer let go.
            try await waitUntil("all have asked") { counters.state.withLock { $0.calls } == 3 }
            settings.release()
            for try await isAllowed in group { #expect(isAllowed) }
        }
        #expect(settings.state.withLock { $0.questions } == 1)
    }

    @Test func `answers an unknown limit name`() async throws {
        #expect(try await gate.check(clinic, limit: "export") == .noSuchLimit)
    }

    @Test func `goes on counting when Redis lost everything`() async throws {
        _ = try await decision(2)
        counters.state.withLock {
            $0.values = [:]
            $0.now += 10_000_000
        }
        let after = try await decision()
        #expect(after.period.used == 3)
        let rows = gate.marks.takeOpen(limit: 10).map { $0.mark.used }
        #expect(rows.sorted() == [1, 2])
    }

    /// The Redis that comes back empty has a clock behind the lost one: its epoch stands all the same.
    @Test(arguments: [-60_000_000, 8 * 86_400_000_000])
    func `keeps one epoch when Redis comes back with another clock`(step: Int64) async throws {
        try put(nil)
        counters.state.withLock { $0.now += max(0, step) }
        _ = try await decision()
        counters.state.withLock {
            $0.values = [:]
            $0.now -= abs(step)
        }
        for _ in 0..<50 { #expect(try await decision().isAllowed) }
        let marks = gate.marks.takeOpen(limit: 10).map(\.mark)
        #expect(marks.map(\.used).sorted() == [1, 50])
    }

    @Test func `counts on from the ledger when Redis is new to the clinic`() async throws {
        try put(#"{"quota": {"api_calls": 100}}"#, ledger: [Epoch(rawValue: 77): 98])
        #expect(try await decision().period.used == 99)
        #expect(try await decision(2).reasons == [.quota])
    }

    @Test func `turns the month without PostgreSQL`() async throws {
        counters.state.withLock { $0.now += 6 * 86_400_000_000 }
        _ = try await decision(3)
        settings.state.withLock { $0.isUnavailable = true }
        let december = try #require(Month("2026-12"))
        counters.state.withLock { $0.now = december.start }
        let first = try await decision()
        #expect(first.isAllowed && first.period.used == 1 && first.period.start == december.start)
    }

    /// A clock that is ahead for a moment must not move calls of November into December.
    @Test func `does not turn a month that is not near`() async throws {
        _ = try await decision(3)
        settings.state.withLock { $0.isUnavailable = true }
        counters.state.withLock { $0.now += 8 * 86_400_000_000 }
        await #expect(throws: QuotaError.termsUnavailable("a test made it unavailable")) {
            try await gate.check(clinic)
        }
        counters.state.withLock { $0.now -= 8 * 86_400_000_000 }
        #expect(try await gate.check(clinic) != .unknownClinic)
        #expect(gate.marks.takeOpen(limit: 9).map(\.mark.used) == [3])
    }

    @Test func `asks PostgreSQL when both months it knew have passed`() async throws {
        _ = try await decision(3)
        let march = try #require(Month("2027-03"))
        counters.state.withLock { $0.now = march.start + 5 }
        let first = try await decision()
        #expect(first.period.used == 1 && first.period.start == march.start)
        #expect(settings.state.withLock { $0.questions } == 2)
    }

    @Test func `makes PostgreSQL rise above a counter that is ahead of it`() async throws {
        try put("{}", version: 40)
        _ = try await decision()
        try put(#"{"quota": {"api_calls": 5}}"#, version: 39)
        let now = counters.state.withLock { $0.now }
        #expect(try await gate.refresh(clinic, at: now))
        #expect(try await decision().period.quota == 5)
        #expect(settings.state.withLock { $0.clinics[clinic]?.version } == 41)
    }

    @Test func `has no answer when Redis is unavailable`() async throws {
        counters.state.withLock { $0.isUnavailable = true }
        await #expect(throws: QuotaError.countersUnavailable("a test made it unavailable")) {
            try await gate.check(clinic)
        }
    }
}
