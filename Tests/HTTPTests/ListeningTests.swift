import Counters
import DatabaseSupport
import Ledger
import LocalServers
import Metering
import Postgres
import Quotas
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// A worker that is told of changes. Its poll never brings a clinic to Redis that nobody called for, so what
/// appears there without a call was told.
@Suite(.timed, .serialized) struct `A worker that listens` {
    @Test func `brings a new clinic to Redis before its first call`() async throws {
        try await Self.lend { worker in
            let clinic = try await worker.database.clinic(#"{"quota":{"api_calls":7}}"#)
            try await waitUntil("Redis holds the new clinic") {
                try await worker.quota(of: clinic) == 7
            }
        }
    }

    @Test func `brings every kind of change to Redis`() async throws {
        try await Self.lend { worker in
            let clinic = try await worker.database.clinic(#"{"quota":{"api_calls":7}}"#)
            #expect(try await worker.check(clinic).status == 200)
            try await worker.database.editPlan(of: clinic, #"{"quota":{"api_calls":9}}"#)
            try await waitUntil("the edit is there") { try await worker.quota(of: clinic) == 9 }
            try await worker.database.override(clinic, "'quota', 500")
            try await waitUntil("the override is there") {
                try await worker.quota(of: clinic) == 500
            }
            try await worker.database.ask(
                "UPDATE metering.clinic_override SET ended_at = now(), ended_by = 'x', end_reason = 'y'"
            )
            try await waitUntil("its end is there") { try await worker.quota(of: clinic) == 9 }
            try await worker.database.ask(
                "UPDATE clinic_subscriptions SET payment_status = 'suspended' WHERE clinic_id = $1::text::uuid",
                [.text("\(clinic)")])
            try await waitUntil("the standing is there") {
                try await worker.value(of: clinic)?.flags.access == .readOnly
            }
        }
    }

    @Test func `hears again after its session was ended`() async throws {
        try await Self.lend { worker in
            for round in 1...2 {
                try await worker.database.ask(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE application_name = 'metering-worker listen' AND datname = current_database()
                    """)
                try await waitUntil("it is told of new clinics again, round \(round)") {
                    let clinic = try await worker.database.clinic("{}")
                    return try await worker.appears(clinic)
                }
            }
        }
    }

    /// An override's end needs nobody: a worker notices by the clock of PostgreSQL.
    @Test func `takes an override away when its time is over`() async throws {
        try await Self.lend { worker in
            let clinic = try await worker.database.clinic(#"{"quota":{"api_calls":7}}"#)
            try await worker.database.override(clinic, "'quota', 500")
            try await waitUntil("the override is there") {
                try await worker.quota(of: clinic) == 500
            }
            // One transaction, so that the worker ends nothing while the trigger is off.
            try await worker.database.owner.script(
                """
                ALTER TABLE metering.clinic_override DISABLE TRIGGER override_update;
                UPDATE metering.clinic_override
                SET created_at = now() - interval '1 h', until = now();
                ALTER TABLE metering.clinic_override ENABLE TRIGGER override_update;
                """)
            try await waitUntil("the plan's quota is back") {
                try await worker.quota(of: clinic) == 7
            }
        }
    }

    @Test func `does its work by asking when the address leads elsewhere`() async throws {
        try await TestDatabase.lend { other in
            try await RunningWorker.lend(["DATABASE_LISTEN_URL": other.url()]) { worker in
                let clinic = try await worker.database.clinic(#"{"quota":{"api_calls":7}}"#)
                #expect(try await worker.check(clinic).status == 200)
                try await worker.database.editPlan(of: clinic, #"{"quota":{"api_calls":9}}"#)
                try await waitUntil("the edit is there") { try await worker.quota(of: clinic) == 9 }
            }
        }
    }

    /// Waits for the first word, so that what is told afterwards is heard.
    private static func lend(_ body: (RunningWorker) async throws -> Void) async throws {
        try await TestDatabase.lend { database in
            try await RunningWorker.lend(["DATABASE_LISTEN_URL": database.url()], on: database) {
                worker in
                try await waitUntil("it listens") {
                    let sessions = try await database.number(
                        """
                        SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                        AND application_name = 'metering-worker listen' AND query LIKE 'LISTEN%keys%'
                        AND state = 'idle'
                        """)
                    return sessions == 1
                }
                try await body(worker)
            }
        }
    }
}

extension RunningWorker {
    fileprivate func value(of clinic: ClinicID) async throws -> CounterValue? {
        try await worker.counters.values(of: [clinic])[0].value
    }

    func quota(of clinic: ClinicID) async throws -> Int64? {
        try await value(of: clinic)?.quota
    }

    /// Whether Redis gets the clinic soon; a listener that is away just now never brings it.
    fileprivate func appears(_ clinic: ClinicID) async throws -> Bool {
        let start = ContinuousClock.now
        while ContinuousClock.now - start < .milliseconds(300) {
            if try await value(of: clinic) != nil { return true }
        }
        return false
    }
}
