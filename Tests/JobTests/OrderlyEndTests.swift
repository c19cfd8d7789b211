import DatabaseSupport
import Foundation
import LocalServers
import TestSupport
import Testing
import WorkerSupport

@Suite(.timed, .serialized, .timeLimit(.minutes(5))) struct `A worker that is asked to end` {
    private static let calls = 25
    /// Nothing but the end writes checkpoints, and the call on its way has the time it takes.
    private static let settings = [
        "METERING_CHECKPOINT_INTERVAL": "1m", "METERING_SWEEP_INTERVAL": "1h",
        "METERING_ROLLUP_INTERVAL": "1h", "METERING_REQUEST_TIMEOUT": "1m",
        "METERING_SHUTDOWN_TIMEOUT": "1m", "METERING_CHECK_TIMEOUT": "5s",
    ]

    @Test(arguments: [SIGTERM, SIGINT])
    func `says that it is not ready, answers what it accepted, and writes what it counted`(
        signal: Int32
    ) async throws {
        try await ProgramSite.lend(clinics: 1) { site in
            let worker = try await site.serve(Self.settings)
            try await HTTPWire.talk(to: worker.port, within: .seconds(300)) { line in
                for _ in 1..<Self.calls {
                    #expect(try await line.check(site.clinics[0], key: site.key).status == 200)
                }
                #expect(try await line.get("/readyz").status == 200)

                // What came before may be written by now; the call below can be by the last checkpoint only.
                // The signal comes while this call waits for Redis, which takes no writes for a while.
                _ = try await site.redis.client(["CLIENT", "PAUSE", "60000", "WRITE"])
                try await line.send(check: site.clinics[0], key: site.key)
                try await waitUntil("the call has reached Redis") {
                    try await site.redis.client(["INFO", "clients"]).contains("blocked_clients:1\r")
                }
                worker.process.send(signal)
                try await waitUntil("the worker is not ready") { await !worker.isReady }
                #expect(worker.process.endingSoFar == nil)
                _ = try await site.redis.client(["CLIENT", "UNPAUSE"])
                #expect(try await line.reply().status == 200)
            }
            #expect(try await worker.process.waitForEnd() == .exited(0))
            #expect(worker.process.errorLines.last == "metering-worker: stopped")
            #expect(worker.process.output.isEmpty)
            #expect(try await written(at: site) == "1|\(Self.calls)\n")
        }
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `ends at once when it is told a second time`(signal: Int32) async throws {
        try await ProgramSite.lend(clinics: 1) { site in
            let worker = try await site.serve(Self.settings)
            try await HTTPWire.talk(to: worker.port, within: .seconds(300)) { line in
                #expect(try await line.check(site.clinics[0], key: site.key).status == 200)
                _ = try await site.redis.client(["CLIENT", "PAUSE", "60000", "WRITE"])
                try await line.send(check: site.clinics[0], key: site.key)
                try await waitUntil("the call has reached Redis") {
                    try await site.redis.client(["INFO", "clients"]).contains("blocked_clients:1\r")
                }
                worker.process.send(SIGTERM)
                try await waitUntil("the worker is not ready") { await !worker.isReady }
                #expect(worker.process.endingSoFar == nil)
                worker.process.send(signal)
                #expect(try await worker.process.waitForEnd() == .exited(1))
            }
            #expect(worker.process.errorLines.last?.contains("stopping at once") == true)
            // What it had not written is in Redis, and the next one finds it.
            _ = try await site.redis.client(["CLIENT", "UNPAUSE"])
            try await waitUntil("the calls are in Redis") {
                try await site.usage().values.reduce(0, +) >= 1
            }
        }
    }

    /// A count of all rows may take hours.
    @Test func `does not wait for what the next one does again`() async throws {
        try await ProgramSite.lend(clinics: 1) { site in
            try await site.database.psql("ALTER FUNCTION metering.recount SET lock_timeout = 0;")
            async let holder: String? = try? site.database.psql(
                """
                BEGIN;
                SELECT metering.lock_counters(ARRAY(SELECT clinic_id FROM clinics));
                SELECT pg_sleep(600);
                """)
            try await waitUntil("the counters are held") {
                try await active(
                    at: site, "query LIKE '%pg_sleep(600)%' AND wait_event = 'PgSleep'")
            }
            let worker = try await site.serve(Self.settings)
            try await waitUntil("the worker waits for the counters") {
                try await active(
                    at: site, "query LIKE '%metering.recount(%' AND wait_event_type = 'Lock'")
            }
            worker.process.send(SIGTERM)
            #expect(try await worker.process.waitForEnd() == .exited(0))
            #expect(worker.process.errorLines.last == "metering-worker: stopped")
            _ = try await site.database.psql(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event = 'PgSleep';
                """)
            #expect(await holder == nil)
        }
    }

    private func active(at site: ProgramSite, _ condition: String) async throws -> Bool {
        try await site.database.psql(
            """
            SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                AND pid <> pg_backend_pid() AND \(condition));
            """) == "t\n"
    }

    /// Rows of the ledger, and what they hold.
    private func written(at site: ProgramSite) async throws -> String {
        try await site.database.psql(
            "SELECT count(*), coalesce(sum(used - credited), 0) FROM metering.usage_checkpoint;")
    }
}
