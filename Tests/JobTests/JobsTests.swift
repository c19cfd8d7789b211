import Admission
import Counters
import DatabaseSupport
import Ledger
import LocalServers
import Logging
import Metering
import Postgres
import Quotas
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// The recurring work one turn at a time, on real servers, while nothing else runs.
@Suite(.timed, .serialized) struct `Jobs` {
    @Test func `a checkpoint that fails is written later, once`() async throws {
        try await ConnectedWorker.lend { site in
            let clinic = try await site.database.clinic("{}")
            try await site.calls(4, clinic)
            try await site.database.ask("ALTER TABLE metering.usage_checkpoint RENAME TO hidden")
            await #expect(throws: LedgerError.self) { try await site.worker.checkpointer.run() }
            #expect(site.worker.gate.marks.openCount == 1)
            try await site.calls(3, clinic)
            await #expect(throws: LedgerError.self) { try await site.worker.checkpointer.run() }
            try await site.database.ask("ALTER TABLE metering.hidden RENAME TO usage_checkpoint")
            #expect(try await site.worker.checkpointer.run() == 1)
            #expect(try await site.database.counted(clinic) == 7)
            #expect(site.worker.gate.marks.openCount == 0)
            #expect(try await site.worker.checkpointer.run() == 0)
        }
    }

    /// A Redis that lies must not be billed: neither what the checkpoint saw nor what the sweep reads.
    @Test func `a count that cannot be true goes to quarantine`() async throws {
        try await ConnectedWorker.lend { site in
            let (liar, honest) = (
                try await site.database.clinic("{}"), try await site.database.clinic("{}")
            )
            try await site.calls(2, liar)
            try await site.calls(2, honest)
            var value = try #require(try await site.value(of: liar))
            value.used = 1 << 52
            try await site.write(value, of: liar)
            try await site.calls(1, liar)
            try await site.worker.checkpointer.run()
            #expect(try await site.database.counted(liar) == 0)
            #expect(try await site.database.counted(honest) == 2)
            #expect(try await site.quarantined(liar) == 1)
            _ = try await site.worker.sweep()
            #expect(try await site.database.counted(liar) == 0)
            #expect(try await site.quarantined(liar) >= 1)
            #expect(try await site.quarantined(honest) == 0)
        }
    }

    /// Redis comes back with an older value: its count is closed, settled, and what it lost is in the base.
    @Test func `a sweep settles closed counts and leaves a base that is right`() async throws {
        try await ConnectedWorker.lend { site in
            let clinic = try await site.database.clinic(#"{"quota":{"api_calls":100}}"#)
            try await site.calls(5, clinic)
            let old = try #require(try await site.value(of: clinic))
            try await site.calls(3, clinic)
            try await site.worker.checkpointer.run()
            try await site.write(old, of: clinic)
            try await site.calls(1, clinic)
            let behind = try #require(try await site.value(of: clinic))
            #expect(behind.closed.map(\.used) == [5] && behind.epoch != old.epoch)
            // What the mark of the running epoch names is not admitted again.
            #expect(behind.usage == 9)

            let outcome = try await site.worker.sweep()
            #expect(outcome.settled == 1 && outcome.renewed == 0 && outcome.failures == 0)
            let mended = try #require(try await site.value(of: clinic))
            #expect(mended.closed.map(\.isSettled) == [true])
            #expect(mended.base == 8 && mended.used == 1 && mended.usage == 9)
            #expect(try await site.database.counted(clinic) == 9)
            let again = try await site.worker.sweep()
            #expect(again.settled == 0 && again.renewed == 0 && again.written == 0)
        }
    }

    @Test func `a sweep brings back clinics that Redis lost`() async throws {
        try await ConnectedWorker.lend { site in
            let called = try await site.database.clinic(#"{"quota":{"api_calls":6}}"#)
            let silent = try await site.database.clinic("{}")
            try await site.calls(6, called)
            try await site.worker.checkpointer.run()
            _ = try await site.redis.client(["FLUSHALL"])
            #expect(try await site.value(of: called) == nil)
            let outcome = try await site.worker.sweep()
            #expect(outcome.clinics == 2 && outcome.held == 0 && outcome.renewed == 1)
            #expect(try await site.value(of: called)?.base == 6)
            #expect(try await site.value(of: silent) == nil)
            guard case .decided(let decision) = try await site.worker.gate.check(called) else {
                Issue.record("the clinic is unknown")
                return
            }
            #expect(!decision.isAllowed && decision.reasons == [.quota])
        }
    }

    @Test func `a sweep renews counters that lag, and counts those that cannot be`() async throws {
        try await ConnectedWorker.lend { site in
            let (clinic, broken) = (
                try await site.database.clinic("{}"), try await site.database.clinic("{}")
            )
            try await site.calls(1, clinic)
            try await site.calls(1, broken)
            try await site.database.editPlan(of: clinic, #"{"quota":{"api_calls":5}}"#)
            // A plan whose every version was refused leaves nothing to renew by.
            try await site.database.editPlan(of: broken, #"{"quota":{"calls":5}}"#)
            try await site.database.ask(
                """
                UPDATE metering.plan_version v SET valid = false, problem = 'bad' WHERE valid AND plan_id =
                (SELECT plan_id FROM clinic_subscriptions WHERE clinic_id = $1::text::uuid)
                """, [.text("\(broken)")])
            let outcome = try await site.worker.sweep()
            #expect(outcome.renewed == 1 && outcome.failures == 1)
            // A quota where there was none is a cut: it is the next month's.
            #expect(try await site.value(of: clinic)?.nextQuota == 5)
            #expect(try await site.value(of: broken)?.nextQuota == -1)
            #expect(try await site.database.counted(broken) == 1)
        }
    }

    @Test func `a sweep forgets a deleted clinic once its counts are in the ledger`() async throws {
        try await ConnectedWorker.lend { site in
            let (gone, liar) = (
                try await site.database.clinic(nil), try await site.database.clinic(nil)
            )
            try await site.calls(3, gone)
            try await site.calls(3, liar)
            var value = try #require(try await site.value(of: liar))
            value.used = 1 << 52
            try await site.write(value, of: liar)
            for clinic in [gone, liar] {
                try await site.database.ask(
                    "DELETE FROM clinics WHERE clinic_id = $1::text::uuid", [.text("\(clinic)")])
            }
            // First both are closed, so that nothing counts between the reading and the forgetting.
            #expect(try await site.worker.sweep().forgotten == 0)
            #expect(try await site.value(of: gone)?.flags.access == .gone)
            #expect(try await site.worker.gate.check(gone) == .unknownClinic)
            #expect(try await site.worker.sweep().forgotten == 1)
            #expect(try await site.value(of: gone) == nil)
            #expect(try await site.database.counted(gone) == 3)
            // What is in quarantine is not confirmed, so it is not forgotten.
            #expect(try await site.value(of: liar)?.used == 1 << 52)
            #expect(try await site.worker.gate.check(gone) == .unknownClinic)
        }
    }

    /// A deleted clinic that goes on calling must not be served for as long as it calls.
    @Test func `the watch ends a deleted clinic at once`() async throws {
        try await ConnectedWorker.lend { site in
            let clinic = try await site.database.clinic(nil)
            let watch = try await ChangeWatch(
                counters: site.worker.counters, ledger: site.worker.ledger, gate: site.worker.gate,
                keys: site.worker.keys, logger: .silent)
            try await site.calls(3, clinic)
            try await site.database.ask(
                "DELETE FROM clinics WHERE clinic_id = $1::text::uuid", [.text("\(clinic)")])
            try await watch.run()
            for _ in 0..<3 {
                #expect(try await site.worker.gate.check(clinic) == .unknownClinic)
            }
            #expect(try await site.value(of: clinic)?.used == 3)
        }
    }

    /// Settled counts of this month stay in the value, and must not keep a credit from its quota.
    @Test func `a sweep gives a credit back to the quota after an epoch changed`() async throws {
        try await ConnectedWorker.lend { site in
            let clinic = try await site.database.clinic(#"{"quota":{"api_calls":10}}"#)
            try await site.calls(6, clinic)
            var old = try #require(try await site.value(of: clinic))
            old.stamp ^= 1
            try await site.write(old, of: clinic)
            try await site.calls(4, clinic)
            try await site.worker.checkpointer.run()
            _ = try await site.worker.sweep()
            #expect(try await site.value(of: clinic)?.closed.map(\.isSettled) == [true])
            try await site.database.ask(
                """
                INSERT INTO metering.usage_adjustment (month, clinic_id, units, reason, idempotency_key)
                VALUES (date_trunc('month', now() AT TIME ZONE 'UTC')::date, $1::text::uuid, -5, 'test', $1)
                """, [.text("\(clinic)")])
            _ = try await site.worker.sweep()
            #expect(try await site.value(of: clinic)?.usage == 5)
            try await site.calls(5, clinic)
        }
    }

    /// A value that went back is noticed without any worker's mark, because the ledger knows more.
    @Test func `a sweep notices a value that went back under the same epoch`() async throws {
        try await ConnectedWorker.lend { site in
            let clinic = try await site.database.clinic(nil)
            try await site.calls(14, clinic)
            let old = try #require(try await site.value(of: clinic))
            try await site.calls(107, clinic)
            try await site.worker.checkpointer.run()
            try await site.write(old, of: clinic)
            try await site.lendWorkers(1) { others in
                _ = try await others[0].sweep()
                for _ in 0..<184 { _ = try await others[0].gate.check(clinic) }
                try await others[0].checkpointer.run()
            }
            #expect(try await site.database.counted(clinic) == 121 + 184)
        }
    }

    /// More workers with a dead epoch's mark than the ring has room: each mints, none is refused.
    /// Once for all who wait.
    @Test(arguments: [1, 4])
    func `a full ring is settled at once`(callers: Int) async throws {
        try await ConnectedWorker.lend { site in
            let clinic = try await site.database.clinic(nil)
            try await site.calls(1, clinic)
            try await site.lendWorkers(11) { workers in
                for worker in workers { _ = try await worker.gate.check(clinic) }
                _ = try await site.redis.client(["FLUSHALL"])
                for worker in workers {
                    try await withThrowingTaskGroup(of: QuotaAnswer.self) { group in
                        // Of different cost, so that each is an entry of its own.
                        for cost in 1...callers {
                            group.addTask { try await worker.gate.check(clinic, cost: Int64(cost)) }
                        }
                        for try await answer in group {
                            guard case .decided(let decision) = answer else {
                                throw TestFailure("the call is decided, not \(answer)")
                            }
                            #expect(decision.isAllowed)
                        }
                    }
                }
                for worker in workers + [site.worker] { try await worker.checkpointer.run() }
                _ = try await site.worker.sweep()
                let units = callers * (callers + 1) / 2
                #expect(try await site.database.counted(clinic) == Int64(12 + 11 * units))
            }
        }
    }

    /// Under traffic the book is never empty, so a run ends with what was open when it began.
    @Test func `a checkpoint ends while calls go on`() async throws {
        try await ConnectedWorker.lend { site in
            let clinics = try await site.database.clinics(4)
            await withTaskGroup(of: Void.self) { group in
                for clinic in clinics {
                    group.addTask {
                        while !Task.isCancelled { _ = try? await site.worker.gate.check(clinic) }
                    }
                }
                for _ in 0..<20 {
                    let written = try? await site.worker.checkpointer.run()
                    #expect((0...clinics.count).contains(written ?? -1))
                }
                group.cancelAll()
            }
        }
    }

    @Test func `the watch sees a change once, and every change`() async throws {
        try await ConnectedWorker.lend { site in
            let clinics = try await site.database.clinics(3)
            for clinic in clinics { try await site.calls(1, clinic) }
            let watch = try await ChangeWatch(
                counters: site.worker.counters, ledger: site.worker.ledger, gate: site.worker.gate,
                keys: site.worker.keys, logger: .silent)
            for quota in Int64(5)...7 {
                for clinic in clinics {
                    try await site.database.editPlan(
                        of: clinic, #"{"quota":{"api_calls":\#(quota)}}"#)
                }
                try await watch.run()
                let values = try await site.worker.counters.values(of: clinics)
                #expect(values.map { $0.value?.nextQuota } == [quota, quota, quota])
            }
            // A clinic that Redis does not hold is not brought there by a change.
            _ = try await site.redis.client(["FLUSHALL"])
            try await site.database.editPlan(of: clinics[0], "{}")
            try await watch.run()
            #expect(try await site.value(of: clinics[0]) == nil)
        }
    }

    @Test func `the watch takes keys over and drops those that ended`() async throws {
        try await ConnectedWorker.lend { site in
            let watch = try await ChangeWatch(
                counters: site.worker.counters, ledger: site.worker.ledger, gate: site.worker.gate,
                keys: site.worker.keys, logger: .silent)
            let key = try await site.database.makeKey([.check])
            let field = "Bearer \(key)"
            #expect(site.worker.keys.owner(authorization: field) == nil)
            try await watch.poll()
            #expect(site.worker.keys.owner(authorization: field)?.scopes == [.check])
            let id = try #require(
                await site.worker.ledger.keys.find(hash: APIKey.hash(of: key))?.id)
            _ = try await site.worker.ledger.keys.revoke(id)
            try await watch.poll()
            #expect(site.worker.keys.owner(authorization: field) == nil)
        }
    }
}
