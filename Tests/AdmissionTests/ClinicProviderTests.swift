import Metering
import Synchronization
import Testing
import TestSupport

@testable import Admission
@testable import Quotas
import Values

/// A gate without PostgreSQL beside one that has it, both on the same counters.
private final class EmbeddedSite: Sendable {
    let counters = MemoryCounters()
    let settings = MemoryTerms()
    let worker: QuotaGate
    let owed = OwedUnits()
    let fallback: Fallback
    let gate: QuotaGate
    let clinic = ClinicID(high: 1, low: 2)
    let loads: Loads
    let clock = Mutex<Int64>(1)

    final class Loads: ClinicProvider {
        let worker: QuotaGate
        let count = Mutex(0)
        let isUnavailable = Atomic<Bool>(false)

        init(_ worker: QuotaGate) { self.worker = worker }

        func provide(_ clinic: ClinicID) async throws(QuotaError) -> Bool {
            count.withLock { $0 += 1 }
            guard !isUnavailable.load(ordering: .relaxed) else { throw .termsUnavailable("a test") }
            return try await worker.check(clinic, mode: .peek) != .unknownClinic
        }
    }

    init(_ plan: String?) throws {
        worker = QuotaGate(counters: counters, terms: settings, loading: .patient)
        loads = Loads(worker)
        let marks = HighWaterMarks()
        let (counters, start) = (counters, ContinuousClock.now)
        fallback = Fallback(
            OutagePolicy(allowance: 3), marks: marks, journal: owed,
            Fallback.Dependencies(
                uptime: { (ContinuousClock.now - start).wholeMicroseconds + 1 },
                wallClock: { 1_795_428_007_000_000 },
                probe: { counters.state.withLock { $0.isUnavailable ? nil : $0.now } }))
        gate = QuotaGate(
            counters: counters, provider: loads, marks: marks, fallback: fallback, loading: .patient
        )
        let features = try plan.map { try PlanFeatures(json: $0) }
        let month = try #require(Month("2026-11"))
        settings.state.withLock {
            $0.clinics[clinic] = ClinicTerms(
                version: 1, plan: features, access: .open, month: month, ledger: [:],
                adjustments: 0)
        }
    }

    func setUnavailable(_ isUnavailable: Bool) {
        counters.state.withLock { $0.isUnavailable = isUnavailable }
    }

    func endOutage() async throws {
        setUnavailable(false)
        try await waitUntil("the counters are found again") { !fallback.isRedisUnavailable }
    }

    var used: Int64? {
        get throws {
            let bytes = counters.state.withLock { $0.values[clinic] }
            return try bytes.map { try #require(CounterValue(decoding: $0)).used }
        }
    }
}

private func decision(_ answer: QuotaAnswer) throws -> QuotaDecision {
    guard case .decided(let decision) = answer else {
        throw TestFailure("the answer is .decided, not \(answer)")
    }
    return decision
}

@Suite(.timed) struct `A gate without PostgreSQL` {
    private static let plan =
        #"{"limits":{"default":{"rate":1,"per":"1m","burst":5}},"quota":{"api_calls":100}}"#

    @Test func `has clinics provided, once`() async throws {
        let site = try EmbeddedSite(Self.plan)
        for used in 1...3 {
            let decision = try decision(try await site.gate.check(site.clinic))
            #expect(decision.isAllowed && decision.period.used == Int64(used))
            #expect(decision.period.quota == 100)
        }
        #expect(site.loads.count.withLock(\.self) == 1)
        #expect(try await site.gate.check(ClinicID(high: 9, low: 9)) == .unknownClinic)
    }

    @Test func `decides alone by what replies said, and counts that later, once`() async throws {
        let site = try EmbeddedSite(Self.plan)
        for _ in 0..<2 { _ = try await site.gate.check(site.clinic) }
        site.setUnavailable(true)
        var admitted: Int64 = 0
        for _ in 0..<10 {
            let decision = try decision(try await site.gate.check(site.clinic))
            #expect(decision.isDegraded)
            #expect(decision.period.quota == 100)
            admitted += decision.admitted
        }
        // Each process that decides alone starts with a whole burst.
        #expect(admitted == 5)
        #expect(site.owed.waiting == 5)
        await #expect(throws: QuotaError.self) { try await site.owed.count(through: site.gate) }
        #expect(site.owed.waiting == 5)
        try await site.endOutage()
        for _ in 0..<2 { try await site.owed.count(through: site.gate) }
        #expect(site.owed.waiting == 0)
        #expect(try site.used == 7)
        #expect(site.gate.marks.mark(of: site.clinic)?.used == 7)
    }

    @Test func `obeys the quota that a reply named`() async throws {
        let site = try EmbeddedSite(#"{"quota":{"api_calls":4}}"#)
        for _ in 0..<3 { _ = try await site.gate.check(site.clinic) }
        site.setUnavailable(true)
        #expect(try decision(try await site.gate.check(site.clinic)).isAllowed)
        let denial = try decision(try await site.gate.check(site.clinic))
        #expect(!denial.isAllowed && denial.reasons == [.quota])
    }

    @Test func `keeps a suspended clinic at a tenth, and from writing`() async throws {
        let site = try EmbeddedSite(
            #"{"limits":{"default":{"rate":100,"per":"1m","burst":50}}}"#)
        site.settings.state.withLock { $0.clinics[site.clinic]?.access = .readOnly }
        let together = try decision(try await site.gate.check(site.clinic, mode: .peek))
        site.setUnavailable(true)
        let alone = try decision(try await site.gate.check(site.clinic, mode: .peek))
        #expect(alone.limits.map(\.burst) == together.limits.map(\.burst))
        #expect(alone.limits.map(\.window) == together.limits.map(\.window))
        #expect(alone.reasons == [.suspended])
        #expect(!(try decision(try await site.gate.check(site.clinic, writes: true)).isAllowed))
    }

    @Test func `lets a few calls of an unknown clinic through when no worker can provide it`()
        async throws
    {
        let site = try EmbeddedSite(Self.plan)
        site.loads.isUnavailable.store(true, ordering: .relaxed)
        var admitted: Int64 = 0
        for _ in 0..<6 {
            guard
                case .success(.decided(let decision)) = await site.gate.checkMany([
                    Check(site.clinic)
                ])[0]
            else { continue }
            #expect(decision.isDegraded)
            admitted += decision.admitted
        }
        #expect(admitted == 3)
        site.loads.isUnavailable.store(false, ordering: .relaxed)
        try await waitUntil("the calls are counted") {
            do throws(QuotaError) { try await site.owed.count(through: site.gate) } catch {}
            return site.owed.waiting == 0
        }
        #expect(try site.used == 3)
    }
}

@Suite(.timed) struct `Units that are owed` {
    @Test func `are counted once, though two count them at the same time`() async throws {
        let site = try EmbeddedSite(nil)
        let month = try #require(Month("2026-11"))
        for _ in 0..<20 {
            #expect(site.owed.append(site.clinic, month, units: 1_000_001))
            async let first: Void = site.owed.count(through: site.gate)
            async let second: Void = site.owed.count(through: site.gate)
            _ = try await (first, second)
        }
        #expect(site.owed.waiting == 0 && site.owed.dropped == 0)
        #expect(try site.used == 20_000_020)
    }

    @Test func `are sent in parts that a counter takes, and bounded`() async throws {
        let site = try EmbeddedSite(nil)
        let month = try #require(Month("2026-11"))
        #expect(site.owed.append(site.clinic, month, units: 2_500_000))
        try await site.owed.count(through: site.gate)
        #expect(try site.used == 2_500_000)
        let small = OwedUnits(clinicsMax: 1)
        #expect(small.append(site.clinic, month, units: 1))
        #expect(!small.append(ClinicID(high: 3, low: 3), month, units: 1))
        #expect(small.append(site.clinic, month, units: 1))
        #expect(!small.append(site.clinic, month, units: .max))
        #expect(small.waiting == 2)
    }
}
