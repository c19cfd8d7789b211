import DatabaseSupport
import Ledger
import LocalServers
import Metering
import Postgres
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// The real `billing quota`, beside a worker whose quota it changes.
@Suite(.timed, .serialized) struct `Billing quota` {
    private func billing(
        _ worker: RunningWorker, _ arguments: [String]
    ) async throws -> (ending: RunningProcess.Ending, output: String, errors: String) {
        try await worker.database.ask(
            """
            DO $$ BEGIN CREATE ROLE quota_admin LOGIN PASSWORD 'kept';
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$
            """)
        try await worker.database.ask("GRANT billing_admin TO quota_admin")
        let server = worker.database.server
        return try await Program.run(
            ["billing", "quota"] + arguments,
            [
                "DATABASE_URL": server.url(
                    user: "quota_admin", password: "kept", database: worker.database.name)
            ])
    }

    @Test func `reset lets a clinic call again and leaves what was counted`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(#"{"quota":{"api_calls":3}}"#)
            for status in [200, 200, 200, 429] {
                #expect(try await worker.check(clinic).status == status)
            }
            try await waitUntil("the ledger has it") {
                try await worker.database.counted(clinic) == 3
            }
            let reset = try await billing(
                worker, ["reset", "\(clinic)", "--reason", "agreed", "--yes"])
            #expect(reset.ending == .exited(0), "\(reset.errors)")
            #expect(reset.output == "quota of \(clinic) starts again; 3 units no longer count\n")
            try await waitUntil("the quota starts again") {
                try Answer(try await worker.usage(clinic)).usage.used == 0
            }
            for status in [200, 200, 200, 429] {
                #expect(try await worker.check(clinic).status == status)
            }
            try await waitUntil("all six are counted") {
                try await worker.database.counted(clinic) == 6
            }
            _ = try await worker.worker.ledger.usage.rollUpDue()
            #expect(
                try await worker.database.number(
                    "SELECT api_calls::bigint FROM api_usage WHERE clinic_id = $1::text::uuid",
                    [.text("\(clinic)")]) == 6)
            #expect(try await audited(worker, clinic, "quota_reset") == 1)
            // A second one takes off only what came after the first.
            let again = try await billing(
                worker, ["reset", "\(clinic)", "--reason", "again", "--yes"])
            #expect(again.output.contains("; 3 units"))
        }
    }

    @Test func `reset asks first, and can be undone once`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(#"{"quota":{"api_calls":3}}"#)
            for status in [200, 200, 200, 429] {
                #expect(try await worker.check(clinic).status == status)
            }
            try await waitUntil("the ledger has it") {
                try await worker.database.counted(clinic) == 3
            }
            let nothing = try await billing(worker, ["reset", "\(clinic)", "--undo", "--dry-run"])
            #expect(nothing.ending == .exited(5))
            #expect(nothing.errors.contains("nothing to undo"))
            let dry = try await billing(worker, ["reset", "\(clinic)", "--dry-run", "--exit-code"])
            #expect(dry.ending == .exited(7), "\(dry.errors)")
            #expect(dry.output.contains("3 units would no longer count"))
            let asked = try await billing(worker, ["reset", "\(clinic)", "--reason", "agreed"])
            #expect(asked.ending == .exited(2) && asked.errors.contains("add --yes"))
            #expect(try await audited(worker, clinic, "quota_reset") == 0)

            let call = ["reset", "\(clinic)", "--reason", "agreed", "--yes", "--as", "anna@desk"]
            #expect(try await billing(worker, call).ending == .exited(0))
            try await waitUntil("the quota starts again") {
                try Answer(try await worker.usage(clinic)).usage.remaining == 3
            }
            let undo = try await billing(worker, call + ["--undo"])
            #expect(undo.output == "reset of \(clinic) undone; 3 units count again\n")
            try await waitUntil("the units count again") {
                try Answer(try await worker.usage(clinic)).usage.remaining == 0
            }
            #expect(try await worker.check(clinic).status == 429)
            let twice = try await billing(worker, call + ["--undo"])
            #expect(twice.ending == .exited(5) && twice.output.isEmpty)
            #expect(try await audited(worker, clinic, "quota_reset_undone") == 1)
            #expect(
                try await worker.database.number(
                    """
                    SELECT count(*) FROM audit_logs WHERE clinic_id = $1::text::uuid
                    AND details ->> 'by' = 'quota_admin' AND details ->> 'said_by' = 'anna@desk'
                    """, [.text("\(clinic)")]) == 2)
            #expect(try await worker.database.counted(clinic) == 3)
        }
    }

    @Test func `refund gives units back once`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(#"{"quota":{"api_calls":5}}"#)
            #expect(try await worker.check(clinic, ",\"cost\":5").status == 200)
            #expect(try await worker.check(clinic).status == 429)
            try await waitUntil("the ledger has it") {
                try await worker.database.counted(clinic) == 5
            }
            let call = ["refund", "\(clinic)", "2", "--id", "ticket-1", "--reason", "import twice"]
            let given = try await billing(worker, call)
            #expect(given.output == "2 units given back to \(clinic)\n", "\(given.errors)")
            let again = try await billing(worker, call)
            #expect(again.ending == .exited(0) && again.output.contains("already recorded"))
            try await waitUntil("two units are free") {
                try Answer(try await worker.usage(clinic)).usage.remaining == 2
            }
            for (of, units, id, code, says) in [
                ("\(clinic)", "3", "ticket-1", 5, "with other units"),
                ("\(clinic)", "4", "ticket-2", 5, "fewer units"),
                ("\(clinic)", "0", "ticket-2", 2, "1 to 2^53"),
                ("nobody", "1", "ticket-2", 5, "no clinic has"),
            ] as [(String, String, String, Int32, String)] {
                let run = try await billing(
                    worker, ["refund", of, units, "--id", id, "--reason", "x"])
                #expect(run.ending == .exited(code) && run.output.isEmpty)
                #expect(run.errors.contains(says), "\(run.errors)")
            }
            try await waitUntil("the month is rolled up") {
                _ = try await worker.worker.ledger.usage.rollUpDue()
                return try await worker.database.number(
                    "SELECT coalesce(max(api_calls), 0)::bigint FROM api_usage WHERE clinic_id = $1::text::uuid",
                    [.text("\(clinic)")]) == 3
            }
            #expect(try await audited(worker, clinic, "quota_refund") == 1)
        }
    }

    @Test func `explain says where each number comes from`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(
                #"{"limits":{"default":{"rate":20,"per":"1s","burst":60}},"quota":{"api_calls":9}}"#
            )
            try await worker.database.override(clinic, "'quota', 500")
            let run = try await billing(worker, ["explain", "\(clinic)"])
            #expect(run.ending == .exited(0), "\(run.errors)")
            for part in [
                "clinic   \(clinic)", "standing active", "default", "0.05 seconds", "3.0 seconds",
                "plan plan of ", "override 1 until", ": test", "users",
            ] {
                #expect(run.output.contains(part), "\(part) in \(run.output)")
            }
            let nobody = try await billing(worker, ["explain", "nobody"])
            #expect(nobody.ending == .exited(5))
        }
    }

    private func audited(
        _ worker: RunningWorker, _ clinic: ClinicID, _ action: String
    ) async throws -> Int64 {
        try await worker.database.number(
            "SELECT count(*) FROM audit_logs WHERE clinic_id = $1::text::uuid AND action = $2",
            [.text("\(clinic)"), .text(action)])
    }
}
