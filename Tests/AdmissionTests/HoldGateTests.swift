import Metering
import Synchronization
import TestSupport
import Testing

@testable import Admission
@testable import Quotas

@Suite(.timed) struct `The quota gate, with ids` {
    private let counters = MemoryCounters()
    private let settings = MemoryTerms()
    private let gate: QuotaGate
    private let clinic = ClinicID(high: 1, low: 2)

    init() throws {
        gate = QuotaGate(counters: counters, terms: settings, loading: .patient)
        try put(#"{"limits": {"default": {"rate": 100, "per": "1s"}}, "quota": {"api_calls": 50}}"#)
    }

    private func put(_ plan: String, version: Int64 = 1) throws {
        let features = try PlanFeatures(json: plan)
        let month = try #require(Month("2026-11"))
        settings.state.withLock {
            $0.clinics[clinic] = ClinicTerms(
                version: version, plan: features, access: .open, month: month, ledger: [:],
                adjustments: 0)
        }
    }

    private func id(_ number: UInt64) -> CallID { CallID(high: 0, low: number) }

    private func used() async throws -> Int64 {
        guard case .decided(let decision) = try await gate.check(clinic, mode: .peek) else {
            return -1
        }
        return decision.period.used
    }

    @Test func `counts a call once for its id and answers the first verdict again`() async throws {
        for memory in [OnceAnswer.Memory.first, .repeated, .repeated] {
            let told = try await gate.check(clinic, cost: 50, requestID: id(1))
            #expect(told.memory == memory)
            guard case .decided(let decision) = told.answer else {
                throw TestFailure("the answer is .decided, not \(told.answer)")
            }
            #expect(decision.isAllowed && decision.period.used == 50)
        }
        let other = try await gate.check(clinic, cost: 49, requestID: id(1))
        #expect(other.memory == .otherCall)
        #expect(try await used() == 50)
        #expect(settings.state.withLock { $0.questions } == 1)
    }

    @Test func `asks again for a call that was denied`() async throws {
        _ = try await gate.check(clinic, cost: 50)
        let denied = try await gate.check(clinic, requestID: id(1))
        guard case .decided(let decision) = denied.answer else {
            throw TestFailure("the answer is .decided, not \(denied.answer)")
        }
        #expect(!decision.isAllowed && decision.reasons.contains(.quota))
        _ = try await gate.refund(clinic, id: id(9), units: 1)
        counters.state.withLock { $0.now += 1_000_000 }
        let allowed = try await gate.check(clinic, requestID: id(1))
        guard case .decided(let decision) = allowed.answer else {
            throw TestFailure("the answer is .decided, not \(allowed.answer)")
        }
        #expect(decision.isAllowed && allowed.memory == .first)
    }

    @Test func `holds units, and keeps of them what is committed`() async throws {
        let answer = try await gate.reserve(clinic, id: id(1), cost: 10, for: .seconds(30))
        guard case .held(let held) = answer else {
            throw TestFailure("the answer is .held, not \(answer)")
        }
        #expect(held.units == 10 && held.period.used == 10 && !held.isRepeated)
        let ending = try await gate.commit(clinic, id: id(1), units: 4)
        guard case .ended(let committed) = ending else {
            throw TestFailure("the answer is .ended, not \(ending)")
        }
        #expect(committed.state == .committed && committed.units == 4)
        #expect(committed.period.used == 4)
        #expect(gate.marks.takeOpen(limit: 9).map(\.mark.net) == [4])
        #expect(try await gate.commit(clinic, id: id(2)) == .unknownHold)
    }

    @Test func `denies one hold too many of a limit, and says when one ends`() async throws {
        try put(
            """
            {"limits": {"default": {"rate": 100, "per": "1s", "concurrent": 2},
                        "export": {"rate": 100, "per": "1s"}}}
            """)
        for number in 1...2 {
            let ttl = Duration.seconds(number * 10)
            guard case .held = try await gate.reserve(clinic, id: id(UInt64(number)), for: ttl)
            else { throw TestFailure("the answer is .held") }
        }
        let third = try await gate.reserve(clinic, id: id(3), for: .seconds(5))
        guard case .denied(let decision) = third else {
            throw TestFailure("the answer is .denied, not \(third)")
        }
        #expect(decision.reasons == [.concurrency] && decision.retryAfter == .seconds(10))
        #expect(try await used() == 2)
        // Another limit has its own number, here none.
        let export = try await gate.reserve(clinic, id: id(4), limit: "export", for: .seconds(5))
        guard case .held = export else { throw TestFailure("the answer is .held, not \(export)") }
        counters.state.withLock { $0.now += 10_000_000 }
        guard case .held = try await gate.reserve(clinic, id: id(3), for: .seconds(5)) else {
            throw TestFailure("the answer is .held")
        }
    }

    @Test func `takes any number of holds of a limit in shadow`() async throws {
        try put(
            #"{"limits": {"default": {"rate": 9, "per": "1s", "concurrent": 1, "shadow": true}}}"#)
        for number in 1...3 {
            guard
                case .held = try await gate.reserve(
                    clinic, id: id(UInt64(number)), for: .seconds(60))
            else { throw TestFailure("the answer is .held") }
        }
    }

    /// The number comes from this process, so a plan that was replaced elsewhere must be read again.
    @Test func `never reserves by the number of a plan that was replaced`() async throws {
        let plan = #"{"limits": {"default": {"rate": 100, "per": "1s", "concurrent": 5}}}"#
        try put(plan)
        guard case .held = try await gate.reserve(clinic, id: id(1), for: .seconds(60)) else {
            throw TestFailure("the answer is .held")
        }
        try put(
            #"{"limits": {"default": {"rate": 100, "per": "1s", "concurrent": 1}}}"#, version: 2)
        let elsewhere = QuotaGate(counters: counters, terms: settings, loading: .patient)
        let now = counters.state.withLock { $0.now }
        #expect(try await elsewhere.refresh(clinic, at: now))
        let answer = try await gate.reserve(clinic, id: id(2), for: .seconds(60))
        guard case .denied(let decision) = answer else {
            throw TestFailure("the answer is .denied, not \(answer)")
        }
        #expect(decision.reasons == [.concurrency])
    }

    @Test func `gives back once, and never more than was used`() async throws {
        _ = try await gate.check(clinic, cost: 20)
        for isRepeated in [false, true] {
            guard case .refunded(let refund) = try await gate.refund(clinic, id: id(1), units: 15)
            else { throw TestFailure("the answer is .refunded") }
            #expect(refund.isRepeated == isRepeated && refund.period.used == 5)
        }
        guard case .tooMuch(let period) = try await gate.refund(clinic, id: id(2), units: 6) else {
            throw TestFailure("the answer is .tooMuch")
        }
        #expect(period.used == 5)
        #expect(try await gate.refund(clinic, id: id(1), units: 1) == .otherCall)
    }

    @Test func `tells what waits for PostgreSQL when the count of a hold is gone`() async throws {
        guard case .held = try await gate.reserve(clinic, id: id(1), cost: 10, for: .seconds(9))
        else { throw TestFailure("the answer is .held") }
        counters.state.withLock { $0.values[clinic] = nil }
        guard case .ended(let ending) = try await gate.commit(clinic, id: id(1), units: 4) else {
            throw TestFailure("the answer is .ended")
        }
        #expect(ending.state == .committed && ending.waits)
        for _ in 0..<2 {
            let waiting = try await gate.expireHolds(of: clinic)
            #expect(waiting?.map(\.units) == [6])
            #expect(waiting?.map(\.name) == ["hold:\(id(1))"])
        }
        let waiting = try #require(try await gate.expireHolds(of: clinic))
        #expect(try await gate.expireHolds(of: clinic, done: waiting) == [])
    }

    @Test func `has no answer for an unknown clinic`() async throws {
        let unknown = ClinicID(high: 9, low: 9)
        #expect(try await gate.commit(unknown, id: id(1)) == .unknownClinic)
        #expect(try await gate.refund(unknown, id: id(1), units: 1) == .unknownClinic)
        #expect(
            try await gate.reserve(unknown, id: id(1), for: .seconds(1)) == .unknownClinic)
        #expect(
            try await gate.reserve(clinic, id: id(1), limit: "no", for: .seconds(1)) == .noSuchLimit
        )
    }
}
