import DatabaseSupport
import Foundation
import LocalServers
import TestSupport
import Testing
import WorkerSupport

/// The real programs on a real PostgreSQL.
@Suite(.timed) struct `Command line on PostgreSQL` {
    @Test func `migrates once, prints the grants, and then finds nothing to do`() async throws {
        try await TestDatabase.lendEmpty { database in
            let plan = try await database.run(["metering-worker", "migrate", "--dry-run"])
            #expect(plan.ending == .exited(0))
            #expect(plan.output.hasPrefix("would apply V0001_"))
            #expect(
                try await database.psql("SELECT to_regclass('public.clinics') IS NULL") == "t\n")

            let first = try await database.run(["metering-worker", "migrate"])
            #expect(first.ending == .exited(0))
            #expect(
                first.output.replacing("applied", with: "would apply").hasPrefix(plan.output))
            #expect(first.output.contains("GRANT metering_worker TO"))
            #expect(first.output.contains("GRANT billing_admin TO"))

            let second = try await database.run(["metering-worker", "migrate"])
            #expect(second.ending == .exited(0))
            #expect(second.output.hasPrefix("nothing to do\n"))
            #expect(second.output.contains("GRANT metering_worker TO"))
        }
    }

    @Test func `migrates once when two do it at the same time`() async throws {
        try await TestDatabase.lendEmpty { database in
            async let one = database.run(["metering-worker", "migrate"])
            async let two = database.run(["metering-worker", "migrate"])
            let runs = try await [one, two]
            #expect(runs.map(\.ending) == [.exited(0), .exited(0)])
            #expect(runs.count { $0.output.hasPrefix("nothing to do") } == 1)
        }
    }

    @Test func `makes a key, shows it once, lists it and ends it`() async throws {
        try await TestDatabase.lend { database in
            let clinic = "2f1a8b1e-53c9-4d0f-9c52-0d1f6a3b7c11"
            try await database.psql("INSERT INTO clinics VALUES ('\(clinic)', 'Smile', 'smile')")
            let made = try await database.run([
                "metering-worker", "keys", "create", "--name", "gate\u{1B}[31m", "--scope",
                "check,usage", "--clinic", "smile", "--expires", "90d",
            ])
            #expect(made.ending == .exited(0))
            let key = made.output.trimmingCharacters(in: .newlines)
            #expect(made.output == "\(key)\n" && key.hasPrefix("mk_") && key.utf8.count == 46)
            #expect(!made.errors.contains(key) && !made.errors.contains("\u{1B}"))
            let stored = try await database.psql(
                "SELECT encode(hash, 'hex') = encode(sha256('\(key)'), 'hex') FROM metering.api_key"
            )
            #expect(stored == "t\n")

            let text = try await database.run(["metering-worker", "keys", "list"])
            #expect(text.output.contains("1\tvalid\tcheck,usage\t\(clinic)\t"))
            #expect(!text.output.contains(key) && !text.output.contains("\u{1B}"))

            let ended = try await database.run(["metering-worker", "keys", "revoke", key, "--yes"])
            #expect(ended.ending == .exited(0))
            #expect(ended.output.hasPrefix("revoked key 1 "))
            #expect(try await state(of: 1, in: database) == "revoked")
        }
    }

    @Test func `says that a key or a clinic is unknown`() async throws {
        try await TestDatabase.lend { database in
            for call in [
                ["keys", "revoke", "77"],
                ["keys", "revoke", "mk_" + String(repeating: "x", count: 43)],
                ["keys", "create", "--name", "a", "--scope", "check", "--clinic", "nobody"],
            ] {
                let run = try await database.run(["metering-worker"] + call)
                #expect(run.ending == .exited(5))
                #expect(run.output.isEmpty)
                #expect(run.errors.hasPrefix("metering-worker: "))
            }
        }
    }

    private func state(of key: Int, in database: TestDatabase) async throws -> String? {
        struct Listed: Decodable {
            struct Key: Decodable {
                let id: Int
                let state: String
            }
            let keys: [Key]
        }
        let run = try await database.run(["metering-worker", "keys", "list", "--format", "json"])
        let listed = try JSONDecoder().decode(Listed.self, from: Data(run.output.utf8))
        return listed.keys.first { $0.id == key }?.state
    }
}

@Suite(.timed) struct `Roll-up from the command line` {
    @Test func `shows what it would change, writes it once, and then nothing`() async throws {
        try await TestDatabase.lend { database in
            try await database.seedCounts()
            let before = try await database.psql("SELECT count(*) FROM api_usage")
            #expect(before == "0\n")
            let call = ["metering-worker", "rollup", "--month", "2026-03"]

            let preview = try await database.run(call + ["--dry-run"])
            #expect(preview.ending == .exited(0))
            let change = "2026-03 00000000-0000-4000-8000-000000000001 api_calls no row -> 40"
            #expect(preview.output.contains(change))
            #expect(preview.output.hasSuffix("2026-03: 2 clinics, 2 rows would change\n"))
            #expect(try await database.psql("SELECT count(*) FROM api_usage") == "0\n")

            let first = try await database.run(call)
            #expect(first.output == "2026-03: 2 clinics, 2 rows written\n")
            #expect(first.errors.contains("REDIS_URL is not set"))
            let usage = try await database.psql(
                "SELECT clinic_id, api_calls FROM api_usage ORDER BY clinic_id")
            #expect(
                usage == """
                    00000000-0000-4000-8000-000000000001|40
                    00000000-0000-4000-8000-000000000002|7

                    """)
            let second = try await database.run(call)
            #expect(second.output == "2026-03: 2 clinics, 0 rows written\n")
        }
    }

    @Test func `writes JSON that a program can read`() async throws {
        try await TestDatabase.lend { database in
            try await database.seedCounts()
            let run = try await database.run([
                "metering-worker", "rollup", "--month", "2026-03", "--dry-run", "--format", "json",
            ])
            let object = try JSONSerialization.jsonObject(with: Data(run.output.utf8))
            let months = (object as? [String: Any])?["months"] as? [[String: Any]]
            #expect(months?.count == 1)
            #expect(months?.first?["rows"] as? Int == 2)
            let changes = months?.first?["changes"] as? [[String: Any]]
            #expect(changes?.count == 2)
            #expect((changes?.first?["after"] as? [String: Any])?["api_calls"] as? Int == 40)
            #expect(changes?.first?["before"] is NSNull)
        }
    }

    @Test func `reads what Redis holds, and says so when it is unavailable`() async throws {
        try await TestDatabase.lend { database in
            try await database.seedCounts()
            let redis = try await TestServers.shared().redis
            let here = try await database.run(
                ["metering-worker", "rollup"], ["REDIS_URL": redis.url])
            #expect(here.ending == .exited(0))
            #expect(here.errors.isEmpty)
            #expect(here.output.hasSuffix(": 0 clinics, 0 rows written\n"))

            let away = try await database.run(
                ["metering-worker", "rollup", "--month", "2026-03"],
                ["REDIS_URL": "unix:///nowhere/redis.sock"])
            #expect(away.ending == .exited(1))
            #expect(away.errors.contains("could not read Redis"))
            #expect(away.output == "2026-03: 2 clinics, 2 rows written\n")
        }
    }

    @Test func `refuses a month that has not started`() async throws {
        try await TestDatabase.lend { database in
            let run = try await database.run(["metering-worker", "rollup", "--month", "9999-12"])
            #expect(run.ending == .exited(5))
            #expect(run.errors.contains("9999-12 has not started"))
        }
    }
}

extension TestDatabase {
    /// Two clinics with counts of March 2026 in the ledger: 30 + 10 and 9 − 2 cost units.
    func seedCounts() async throws {
        try await psql(
            """
            INSERT INTO clinics (clinic_id, name, subdomain, created_at) VALUES
                ('00000000-0000-4000-8000-000000000001', 'One', 'one', '2026-01-15'),
                ('00000000-0000-4000-8000-000000000002', 'Two', 'two', '2026-01-15');
            INSERT INTO metering.usage_checkpoint
                (month, clinic_id, epoch, used, credited, observed_at) VALUES
                ('2026-03-01', '00000000-0000-4000-8000-000000000001', 1, 30, 0, '2026-03-05'),
                ('2026-03-01', '00000000-0000-4000-8000-000000000001', 2, 10, 0, '2026-03-06'),
                ('2026-03-01', '00000000-0000-4000-8000-000000000002', 1, 9, 2, '2026-03-05');
            """)
    }
}
