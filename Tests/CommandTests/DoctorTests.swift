import DatabaseSupport
import Glibc
import LocalServers
import Metering
import TestSupport
import Testing
import WorkerSupport

/// `metering-worker doctor` with real servers.
@Suite(.timed, .serialized, .timeLimit(.minutes(5))) struct `Doctor` {
    @Test func `finds nothing that fails where all is as it should be`() async throws {
        try await ProgramSite.lend(clinics: 1) { site in
            let findings = try await site.database.doctor([
                "REDIS_URL": site.redis.url, "DATABASE_LISTEN_URL": site.database.url(),
            ])
            #expect(findings.ending == .exited(0))
            #expect(findings.level == "warn")
            let warned = findings.levels.filter { $0.value != "ok" }
            // The clinic has no plan, and nothing has run here yet.
            #expect(warned == ["subscriptions": "warn", "workers": "warn", "sweep": "warn"])
            #expect(Set(findings.levels.keys) == Self.names)

            let worker = try await site.serve()
            try await waitUntil("the worker has swept") {
                try await site.database.psql(
                    "SELECT count(*) FROM metering.job_run WHERE job = 'sweep' AND ok") != "0\n"
            }
            try await waitUntil("the worker gave a sign") {
                try await site.database.psql("SELECT count(*) FROM metering.worker_heartbeat")
                    != "0\n"
            }
            let serving = try await site.database.doctor(["REDIS_URL": site.redis.url])
            #expect(serving.ending == .exited(0))
            #expect(
                serving.levels.filter { $0.value != "ok" }
                    == ["subscriptions": "warn", "listening": "warn"])
            worker.process.send(SIGTERM)
            _ = try await worker.process.waitForEnd()
        }
    }

    private static let names: Set<String> = [
        "postgresql", "pooler", "login", "roles", "migrations", "installation", "row-security",
        "blind-logins", "plans", "subscriptions", "limits", "workers", "sweep", "rollup", "outbox",
        "quarantine", "attention", "listening", "redis", "redis-disk", "redis-eviction",
        "redis-memory", "redis-persistence", "redis-wire", "clocks",
    ]

    @Test func `names what is wrong with a database, and the remedy`() async throws {
        try await TestDatabase.lend { database in
            try await database.psql(
                """
                ALTER TABLE users DISABLE ROW LEVEL SECURITY;
                ALTER TABLE metering.quarantine DISABLE ROW LEVEL SECURITY;
                UPDATE metering.limit_mode SET enforced = false;
                SELECT metering.note_attention('unknown_status', NULL, 'frozen', E'a word\\nof two lines');
                SELECT metering.note_attention('refused_plan', NULL, '7', 'is odd');
                INSERT INTO metering.outbox (clinic_id, kind, payload, created_at)
                    SELECT gen_random_uuid(), 'standing_changed', '{}', now() - interval '3 days';
                INSERT INTO metering.quarantine (month, clinic_id, epoch, used, credited, reason)
                    VALUES ('2026-11-01', gen_random_uuid(), 1, 5, 0, 'rose too fast');
                INSERT INTO metering.worker_heartbeat (worker_id, seen_at)
                    VALUES ('gone', now() - interval '1 hour');
                """)
            let findings = try await database.doctor(["REDIS_URL": "redis://127.0.0.1:1"])
            #expect(findings.ending == .exited(3))
            for (name, level) in [
                "row-security": "fail", "limits": "warn", "attention-unknown_status": "warn",
                "plans": "warn", "outbox": "warn", "quarantine": "warn", "workers": "warn",
                "redis": "fail", "login": "ok", "clocks": "ok",
            ] {
                #expect(findings.levels[name] == level, "\(name)")
            }
            let run = try await database.run(["metering-worker", "doctor"])
            #expect(run.ending == .exited(3))
            let lines = run.output.split(separator: "\n")
            #expect(lines.allSatisfy { $0.hasPrefix("ok") || $0.contains("; remedy: ") })
            #expect(run.output.contains("REDIS_URL is not set; remedy: set REDIS_URL="))
            #expect(run.output.contains("3 days old"))
            #expect(run.errors.isEmpty)
        }
    }

    @Test func `says to migrate, and goes on with the servers`() async throws {
        let options = RedisOptions(
            appendOnly: false, settings: ["maxmemory-policy": "allkeys-lru"])
        try await LocalRedis.lend(options) { redis in
            try await TestDatabase.lendEmpty { database in
                let run = try await database.run(
                    ["metering-worker", "doctor"], ["REDIS_URL": redis.url])
                #expect(run.ending == .exited(3))
                #expect(run.output.contains("V0001_foundation.sql and "))
                #expect(run.output.contains("remedy: metering-worker migrate\n"))
                #expect(run.output.contains("remedy: CONFIG SET maxmemory-policy noeviction"))
                #expect(run.output.contains("warn  redis-persistence"))
            }
        }
    }

    @Test func `names a login that may do too much`() async throws {
        try await TestDatabase.lend { database in
            let findings = try await database.doctor([
                "DATABASE_URL": database.server.superuserURL(database: database.name)
            ])
            #expect(findings.ending == .exited(3))
            #expect(findings.levels["login"] == "fail")
            #expect(findings.levels["migrations"] == "ok")
        }
    }

    @Test func `ends in time when both servers are frozen, a fail for each`() async throws {
        try await LocalPostgres.lend { postgres in
            try await LocalRedis.lend { redis in
                postgres.send(SIGSTOP)
                redis.send(SIGSTOP)
                defer {
                    postgres.send(SIGCONT)
                    redis.send(SIGCONT)
                }
                let url = postgres.superuserURL()
                // Waits a minute for its end, where a question without a deadline would wait for ever.
                let run = try await Program.run(
                    ["metering-worker", "doctor"],
                    ["DATABASE_URL": url, "DATABASE_LISTEN_URL": url, "REDIS_URL": redis.url])
                #expect(run.ending == .exited(3))
                let fails = run.output.split(separator: "\n").filter { $0.hasPrefix("fail") }
                #expect(fails.count == 3)
            }
        }
    }

    @Test func `of settings that cannot be read does not run`() async throws {
        let run = try await Program.run(
            ["metering-worker", "doctor", "--config", "/nowhere/worker.json"])
        #expect(run.ending == .exited(1))
        #expect(run.output.isEmpty)
        let away = try await Program.run(["metering-worker", "doctor"])
        #expect(away.ending == .exited(3))
        #expect(away.output.contains("set DATABASE_URL=postgresql://"))
    }
}

private struct DoctorFindings {
    let ending: RunningProcess.Ending
    let level: String
    /// By name.
    let levels: [String: String]
}

extension TestDatabase {
    /// Runs `doctor --json` and reads what it prints.
    fileprivate func doctor(_ settings: [String: String]) async throws -> DoctorFindings {
        let run = try await run(["metering-worker", "doctor", "--json"], settings)
        let json = try JSON(run.output, bytesMax: 100_000)
        guard case .text(let level) = json["level"], case .list(let checks) = json["checks"],
            json["schema"] == .text("doctor/1")
        else { throw TestFailure("no doctor/1: \(run.output)\(run.errors)") }
        var levels: [String: String] = [:]
        for check in checks {
            guard case .text(let name) = check["name"], case .text(let level) = check["level"],
                case .text = check["found"], (level == "ok") == (check["remedy"] == .null)
            else { throw TestFailure("no check: \(check)") }
            levels[name] = level
        }
        return DoctorFindings(ending: run.ending, level: level, levels: levels)
    }
}
