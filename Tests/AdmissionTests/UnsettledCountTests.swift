import Metering
import Synchronization
import TestSupport
import Testing

@testable import Admission
@testable import Quotas

/// A count that Redis has closed and PostgreSQL does not have yet.
@Suite(.timed) struct `Closed counts that are not confirmed` {
    private let clinic = ClinicID(high: 1, low: 2)

    /// Another worker renews the clinic with a ledger of before the checkpoint.
    @Test func `stay in the quota, whatever a refresh says`() async throws {
        let counters = MemoryCounters()
        var settings = ClinicTerms(
            version: 1, plan: try PlanFeatures(json: #"{"quota": {"api_calls": 1000}}"#),
            access: .open, month: try #require(Month("2026-11")), ledger: [:], adjustments: 0)
        _ = try await counters.configure(clinic, settings.counterTerms(outside: .none))
        let first = try await check(900, counters)
        counters.state.withLock { $0.stamp += 1 }
        let second = try await check(50, counters)
        #expect(second.verdict == .allowed && second.usage == 950)

        settings.ledger = [first.mark.epoch: 300]
        let early = settings.counterTerms(outside: second.mark.epoch)
        #expect(try await counters.configure(clinic, early).usage == 950)
        #expect(try await check(100, counters).verdict == .denied)
        // A refund raises the version, and holds at once.
        settings.adjustments = -20
        settings.ledger[first.mark.epoch] = 900
        settings.version = 2
        let refunded = settings.counterTerms(outside: second.mark.epoch)
        #expect(try await counters.configure(clinic, refunded).usage == 930)
        (settings.adjustments, settings.ledger[first.mark.epoch]) = (0, 300)
        let outside = settings.counterTerms(outside: second.mark.epoch)

        // Once it is confirmed, what PostgreSQL says holds again.
        counters.state.withLock { state in
            let rules = CounterRules(now: state.now, stamp: state.stamp) { _, _, _, _ in .none }
            let closed = state.values[clinic].flatMap { CounterValue(decoding: $0) }?.closed ?? []
            let settled = rules.settle(state.values[clinic], closed)
            #expect(settled.marked == 1)
            if let stored = settled.stored { state.values[clinic] = stored }
        }
        #expect(try await counters.configure(clinic, outside).usage == 350)
    }

    private func check(_ cost: Int64, _ counters: MemoryCounters) async throws -> CounterReply {
        try await counters.check(
            clinic, CheckRequest(limit: 1, mode: .consume, cost: cost, mark: nil, nonce: 1))
    }
}
