import DatabaseSupport
import Metering
import Quotas
import Synchronization
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

@Suite(.timed) struct `The parts of a sweep` {
    @Test(arguments: [1, 3])
    func `visit every clinic once, however many batches go at once`(_ atOnce: Int) async throws {
        try await ConnectedWorker.lend { site in
            let clinics = try await site.database.clinics(5)
            let visited = Mutex<[[ClinicID]]>([])
            let walk = ClinicWalk(
                ledger: site.worker.ledger, clinicsPerBatch: 2, batchesAtOnce: atOnce)
            let outcome = try await walk.run { batch in
                visited.withLock { $0.append(batch) }
                var outcome = SweepOutcome()
                outcome.clinics = batch.count
                return outcome
            }
            #expect(outcome.isComplete && outcome.clinics == 5)
            let batches = visited.withLock { $0 }
            #expect(batches.map(\.count).sorted() == [1, 2, 2])
            #expect(Set(batches.joined()) == Set(clinics))
        }
    }

    @Test func `end with the first batch that fails`() async throws {
        try await ConnectedWorker.lend { site in
            _ = try await site.database.clinics(3)
            let walk = ClinicWalk(ledger: site.worker.ledger, clinicsPerBatch: 1)
            await #expect(throws: TestFailure.self) {
                try await walk.run { _ in throw TestFailure("the call is not allowed") }
            }
        }
    }

    @Test func `count alone, and leave the counter to its upkeep`() async throws {
        try await ConnectedWorker.lend { site in
            let clinic = try await site.database.clinic("{}")
            try await site.calls(2, clinic)
            try await site.database.editPlan(of: clinic, #"{"quota":{"api_calls":5}}"#)
            let batch = try await site.worker.counts.visit([clinic])
            #expect(batch.outcome.written == 1 && batch.outcome.held == 1)
            #expect(batch.confirmed.map(\.clinic) == [clinic])
            #expect(try await site.database.counted(clinic) == 2)
            #expect(try await site.value(of: clinic)?.nextQuota == -1)

            let outcome = try await site.worker.counterUpkeep.visit(batch)
            #expect(outcome.renewed == 1 && outcome.written == 0 && outcome.clinics == 0)
            #expect(try await site.value(of: clinic)?.nextQuota == 5)
        }
    }
}
