import Admission
import Counters
import DatabaseSupport
import Ledger
import LocalServers
import Metering
import Postgres
import Postgres
import Quotas
import Redis
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// Reservations from the counter to `api_usage`, one turn at a time, on real servers that may forget.
@Suite(.timed, .serialized) struct `Holds and the ledger` {
    private func id(_ number: UInt64) -> CallID { CallID(high: 5, low: number) }

    /// What `api_usage` says after everything known was written.
    private func billed(_ clinic: ClinicID, _ site: ConnectedWorker) async throws -> Int64 {
        _ = try await site.worker.sweep()
        try await site.worker.checkpointer.run()
        _ = try await site.worker.ledger.usage.rollUpDue()
        return try await site.database.number(
            "SELECT coalesce(sum(api_calls), 0)::bigint FROM api_usage WHERE clinic_id = $1::text::uuid",
            [.text("\(clinic)")])
    }

    private func reserve(
        _ number: UInt64, _ units: Int64, _ clinic: ClinicID, _ site: ConnectedWorker,
        for ttl: Duration = .seconds(3_600)
    ) async throws {
        let answer = try await site.worker.gate.reserve(
            clinic, id: id(number), cost: units, for: ttl)
        guard case .held = answer else {
            throw TestFailure("\(units) units are held, not \(answer)")
        }
    }

    @Test func `bill what was committed, and less what was refunded`() async throws {
        try await ConnectedWorker.lend { site in
            let clinic = try await site.database.clinic("{}")
            try await reserve(1, 10, clinic, site)
            #expect(try await billed(clinic, site) == 10)
            _ = try await site.worker.gate.commit(clinic, id: id(1), units: 4)
            #expect(try await billed(clinic, site) == 4)
            for _ in 0..<2 {
                _ = try await site.worker.gate.commit(clinic, id: id(1), units: 4)
                _ = try await site.worker.gate.refund(clinic, id: id(2), units: 3)
            }
            #expect(try await billed(clinic, site) == 1)
            #expect(try await site.quarantined(clinic) == 0)
        }
    }

    @Test func `end by the sweep when no check comes any more`() async throws {
        try await ConnectedWorker.lend { site in
            let clinic = try await site.database.clinic("{}")
            try await site.calls(2, clinic)
            try await reserve(1, 10, clinic, site, for: .milliseconds(1))
            try await waitUntil("the sweep gave the hold back") {
                try await billed(clinic, site) == 2
            }
            let held = CounterKey.holds(of: clinic)
            let kept = try await site.worker.redis.send(
                RedisCommand("EXISTS", [.bytes(held)]), timeout: .seconds(5))
            #expect(kept.int == 0)
        }
    }

    /// The hold is gone with everything else: what it held stays used, once.
    @Test func `count nothing twice when Redis loses everything`() async throws {
        try await ConnectedWorker.lend { site in
            let clinic = try await site.database.clinic("{}")
            let gate = site.worker.gate
            try await reserve(1, 10, clinic, site)
            _ = try await gate.check(clinic, cost: 5, requestID: id(3))
            _ = try await site.redis.client(["FLUSHALL"])
            #expect(try await gate.commit(clinic, id: id(1), units: 4) == .unknownHold)
            try await site.calls(1, clinic)
            #expect(try await billed(clinic, site) == 16)
            // Commits whose answer was lost with Redis: told again they are unknown, and nothing comes back twice.
            try await reserve(2, 10, clinic, site)
            _ = try await gate.commit(clinic, id: id(2), units: 4)
            #expect(try await billed(clinic, site) == 20)
            _ = try await site.redis.client(["FLUSHALL"])
            #expect(try await gate.commit(clinic, id: id(2), units: 4) == .unknownHold)
            try await site.calls(1, clinic)
            #expect(try await billed(clinic, site) == 21)
        }
    }

    /// Only the counter is gone, so nothing in Redis can take the credit: PostgreSQL does, once.
    @Test func `give back through PostgreSQL what has left the counter`() async throws {
        try await ConnectedWorker.lend { site in
            let clinic = try await site.database.clinic(#"{"quota":{"api_calls":20}}"#)
            let gate = site.worker.gate
            try await reserve(1, 10, clinic, site)
            #expect(try await billed(clinic, site) == 10)
            let key = String(decoding: CounterKey.counter(of: clinic), as: UTF8.self)
            _ = try await site.redis.client(["DEL", key])
            let answer = try await gate.commit(clinic, id: id(1), units: 4)
            guard case .ended(let ending) = answer else {
                throw TestFailure("the reservation ends, not \(answer)")
            }
            #expect(ending.waits && ending.state == .committed)
            // A worker that dies after it wrote the adjustment and before Redis forgot it writes it once more.
            let waiting = try #require(try await gate.expireHolds(of: clinic))
            let month = try #require(Month(containing: waiting[0].period))
            let name = try #require(waiting[0].name)
            _ = try await site.worker.ledger.usage.giveBack(
                waiting[0].units, to: clinic, of: month, key: HoldKeeper.key(name, of: clinic),
                reason: "the worker that died", clamping: true)
            for _ in 0..<2 { #expect(try await billed(clinic, site) == 4) }
            let peek = try await gate.check(clinic, mode: .peek)
            guard case .decided(let decision) = peek else {
                throw TestFailure("the call is decided, not \(peek)")
            }
            #expect(decision.period.used == 4)
            #expect(try await gate.expireHolds(of: clinic) == [])
        }
    }
}
