import DatabaseSupport
import Foundation
import LocalServers
import TestSupport
import Testing
import WorkerSupport

/// The real `billing` on a small database whose every number is known.
@Suite(.timed) struct `Billing report` {
    private static let call = ["billing", "report", "--month", "2026-03"]
    private static let header =
        "month,clinic_id,subdomain,name,plan,payment_status,users,max_users,patients,max_patients,"
        + "api_calls,api_calls_included,storage_used,storage_included,users_percent,patients_percent,"
        + "api_calls_percent,storage_percent,storage_peak,open_attention,drift,findings\n"
    private static let rows = [
        "2026-03,00000000-0000-4000-8000-000000000002,alpha,\"'=SUM(A1:A9),\"\"x\"\"\",Basic,past_due,"
            + "1,5,2,,1234567890123,500000,4096,1073741824,20,,246913578,0,4096,0,0,over_calls past_due\n",
        "2026-03,00000000-0000-4000-8000-000000000001,beta,Zahnärzte am Platz,,,0,,0,,0,,0,,,,,,0,0,0,\n",
    ]

    @Test func `is exact as CSV, and no cell is a formula`() async throws {
        try await TestDatabase.lend { database in
            try await database.seedReport()
            let run = try await database.run(Self.call + ["--format", "csv"])
            #expect(run.ending == .exited(0))
            #expect(run.errors.isEmpty)
            #expect(run.output == Self.header + Self.rows.joined())
        }
    }

    @Test(arguments: ["beta", "00000000-0000-4000-8000-000000000001"])
    func `shows one clinic by subdomain or id`(name: String) async throws {
        try await TestDatabase.lend { database in
            try await database.seedReport()
            let run = try await database.run(Self.call + ["--format", "csv", "--clinic", name])
            #expect(run.output == Self.header + Self.rows[1])
        }
    }

    @Test func `is JSON that a program can read, and says how old it is`() async throws {
        try await TestDatabase.lend { database in
            try await database.seedReport()
            let run = try await database.run(Self.call + ["--format", "json"])
            let object = try JSONSerialization.jsonObject(with: Data(run.output.utf8))
            let report = try #require(object as? [String: Any])
            let rows = try #require(report["rows"] as? [[String: Any]])
            #expect(rows.map { $0["subdomain"] as? String } == ["alpha", "beta"])
            #expect(rows[0]["api_calls"] as? Int == 1_234_567_890_123)
            #expect(rows[0]["name"] as? String == "=SUM(A1:A9),\"x\"")
            #expect(rows[0]["max_patients"] is NSNull)
            #expect(rows[1]["plan"] is NSNull)
            #expect(report["as_of"] as? String == "2026-03-31T10:00:07Z")
        }
    }

    @Test func `is a table for people by itself`() async throws {
        try await TestDatabase.lend { database in
            try await database.seedReport()
            let lines = try await database.run(Self.call).output.split(separator: "\n")
            #expect(lines.first == "Billing report for 2026-03 (UTC)")
            #expect(lines[2].hasPrefix("alpha ") && lines[2].contains("unlimited"))
            #expect(lines.last?.hasPrefix("as of 2026-03-31 10:00:07 UTC, ") == true)
        }
    }

    @Test func `is of the current month when none is named`() async throws {
        try await TestDatabase.lend { database in
            let before = try await database.currentMonth()
            let run = try await database.run(["billing", "report", "--format", "json"])
            let after = try await database.currentMonth()
            #expect([before, after].contains { run.output.contains("\"month\":\"\($0)\"") })
        }
    }

    @Test func `replaces the file of --output as a whole`() async throws {
        try await TestDatabase.lend { database in
            try await database.seedReport()
            let place = try TemporaryDirectory("reports of march")
            defer { place.remove() }
            let file = try place.write("an older report", to: "march.csv")
            let run = try await database.run(Self.call + ["--format", "csv", "--output", file])
            #expect(run.ending == .exited(0))
            #expect(run.output.isEmpty && run.errors.isEmpty)
            let text = String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
            #expect(text == Self.header + Self.rows.joined())
            let left = try FileManager.default.contentsOfDirectory(atPath: place.path)
            #expect(left == ["march.csv"])
        }
    }

    @Test func `leaves an older file as it was when it fails`() async throws {
        try await TestDatabase.lend { database in
            try await database.seedReport()
            try await database.psql("REVOKE SELECT ON api_usage FROM billing_admin")
            let place = try TemporaryDirectory("reports")
            defer { place.remove() }
            let file = try place.write("an older report", to: "march.csv")
            let run = try await database.run(Self.call + ["--output", file])
            #expect(run.ending == .exited(1))
            // The login has its role, so the role is no remedy: PostgreSQL says what it refused.
            #expect(
                run.errors.contains(
                    "permission denied for table api_usage") && !run.errors.contains("GRANT"))
            let text = String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
            #expect(text == "an older report")
            let left = try FileManager.default.contentsOfDirectory(atPath: place.path)
            #expect(left == ["march.csv"])
        }
    }

    @Test func `ends with 3 when it found what --fail-on names, and is written all the same`()
        async throws
    {
        try await TestDatabase.lend { database in
            try await database.seedReport()
            let place = try TemporaryDirectory("alarms")
            defer { place.remove() }
            let file = "\(place.path)/march.csv"
            let alarm = ["--format", "csv", "--fail-on", "drift,past-due,over-quota"]
            let run = try await database.run(Self.call + alarm + ["--output", file])
            #expect(run.ending == .exited(3))
            #expect(run.errors == "billing: found, in clinics: over-quota 1, past-due 1\n")
            let text = String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
            #expect(text == Self.header + Self.rows.joined())
            // Among the clinics of the report there is none.
            let calm = try await database.run(Self.call + alarm + ["--clinic", "beta"])
            #expect(calm.ending == .exited(0) && calm.errors.isEmpty)
            // What --top leaves out is looked at.
            let top = try await database.run(
                Self.call + alarm + ["--sort", "-subdomain", "--top", "1"])
            #expect(top.ending == .exited(3))
            #expect(top.output == Self.header + Self.rows[1])
        }
    }

    @Test func `ends with 4 when the numbers are too old, and writes nothing`() async throws {
        try await TestDatabase.lend { database in
            try await database.seedReport()
            let place = try TemporaryDirectory("old numbers")
            defer { place.remove() }
            let file = try place.write("an older report", to: "march.csv")
            for month in ["2026-03", "2026-02"] {
                let run = try await database.run([
                    "billing", "report", "--month", month, "--max-age", "10m", "--output", file,
                ])
                #expect(run.ending == .exited(4))
                #expect(run.errors.hasPrefix("billing: \(month) is too old for --max-age"))
            }
            let text = String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
            #expect(text == "an older report")
            let young = try await database.run(Self.call + ["--max-age", "36500d"])
            #expect(young.ending == .exited(0))
        }
    }

    @Test(arguments: [
        (["--group-by", "plan", "--diff", "2026-02"], "give --diff or --group-by"),
        (["--format", "html", "--diff", "2026-02"], "--format html takes no"),
        (["--format", "html", "--group-by", "plan"], "--format html takes no"),
        (["--group-by", "month", "--top", "3"], "months are in order"),
        (["--descending"], "--descending needs --sort"),
        (["--sort", "-users", "--descending"], "--descending needs --sort"),
        (["--sort", "clinic_id"], "--sort takes one of: subdomain, name,"),
        (["--sort", "users; DROP TABLE clinics"], "--sort takes one of"),
        (["--diff", "2026-02", "--sort", "users"], "--sort takes one of: subdomain,"),
        (["--group-by", "plan", "--sort", "name"], "--sort takes one of: group,"),
        (["--diff", "2026-03"], "--diff must name another month"),
        (["--over", "0"], "--over is a whole number"), (["--top", "0"], "--top is a whole"),
        (["--fail-on", "rain"], "--fail-on takes"), (["--fail-on", "drift,"], "--fail-on takes"),
        (["--max-age", "10"], "--max-age is a number with a unit"),
    ])
    func `refuses what does not go together, and says what does`(
        options: [String], told: String
    ) async throws {
        try await TestDatabase.lend { database in
            let run = try await database.run(Self.call + options)
            #expect(run.ending == .exited(2))
            #expect(run.errors.contains(told), "\(run.errors)")
            #expect(run.output.isEmpty)
        }
    }

    @Test func `chooses, sums and compares`() async throws {
        try await TestDatabase.lend { database in
            try await database.seedReport()
            let csv = Self.call + ["--format", "csv"]
            for (options, rows) in [
                (["--plan", "Basic"], [0]), (["--plan", "none"], [1]), (["--status", "none"], [1]),
                (["--status", "past_due", "--status", "none"], [0, 1]), (["--over", "100%"], [0]),
                (["--attention"], [0]), (["--attention", "--clinic", "beta"], []),
                (["--sort", "-name", "--top", "1"], [1]),
            ] {
                let run = try await database.run(csv + options)
                #expect(run.output == Self.header + rows.map { Self.rows[$0] }.joined())
            }
            let groups = try await database.run(csv + ["--group-by", "status"])
            #expect(
                groups.output.hasSuffix(
                    "past_due,1,1,2,1234567890123,4096,4096,1,1,0,0\n,1,0,0,0,0,0,0,0,0,0\n"))
            let months = try await database.run(csv + ["--group-by", "month"])
            #expect(months.output.split(separator: "\n").count == 14)
            #expect(months.output.hasSuffix("2026-03,1,1234567890123,4096\n"))
            let diff = try await database.run(csv + ["--diff", "2026-02", "--top", "1"])
            #expect(diff.output.hasSuffix(",past_due,1234567890123,0,1234567890123,4096,0,4096\n"))
            let lines = try await database.run(Self.call + ["--format", "ndjson"])
            #expect(lines.output.split(separator: "\n").count == 2)
        }
    }

    @Test(arguments: ["1970-01", "1970-11", "1971-01"])
    func `sums the months that there are at the beginning of time`(month: String) async throws {
        try await TestDatabase.lend { database in
            try await database.seedReport()
            for call in [
                ["billing", "report", "--group-by", "month", "--month", month, "--format", "csv"],
                ["billing", "usage", "alpha", "--month", month, "--format", "csv"],
            ] {
                let run = try await database.run(call)
                #expect(run.ending == .exited(0), "\(run.errors)")
                let lines = run.output.split(separator: "\n")
                #expect(lines.dropFirst().first?.hasPrefix("1970-01,") == true)
                #expect(lines.last?.hasPrefix("\(month),") == true)
            }
            let page = try await database.run(
                ["billing", "report", "--month", month, "--format", "html"])
            #expect(page.ending == .exited(0), "\(page.errors)")
        }
    }

    @Test func `does not guess what none means when a plan has that name`() async throws {
        try await TestDatabase.lend { database in
            try await database.seedReport()
            let call = Self.call + ["--plan", "none", "--format", "csv"]
            let clear = try await database.run(call)
            #expect(clear.ending == .exited(0) && clear.output.contains(",beta,"))
            try await database.psql(
                "INSERT INTO subscription_plans (name, max_users, max_patients, features) VALUES ('none', 1, 1, '{}')"
            )
            let unclear = try await database.run(call)
            #expect(unclear.ending == .exited(5) && unclear.output.isEmpty)
            #expect(unclear.errors.contains("a plan is named \"none\""))
        }
    }

    @Test(arguments: [["--plan", "Basik"], ["--status", "pastdue"]])
    func `refuses a plan or status that no row has`(options: [String]) async throws {
        try await TestDatabase.lend { database in
            try await database.seedReport()
            let run = try await database.run(Self.call + options)
            #expect(run.ending == .exited(5))
            #expect(run.errors.contains("is unknown; known are"))
            #expect(run.output.isEmpty)
        }
    }

    @Test func `shows a status that it does not know`() async throws {
        try await TestDatabase.lend { database in
            try await database.seedReport()
            try await database.psql(
                """
                ALTER TABLE clinic_subscriptions
                    DROP CONSTRAINT IF EXISTS metering_payment_status_check;
                SET session_replication_role = replica;
                UPDATE clinic_subscriptions SET payment_status = '=owed' || chr(27) || '[31m';
                """)
            let csv = try await database.run(Self.call + ["--format", "csv"])
            #expect(csv.ending == .exited(0))
            #expect(csv.output.contains(",\"'=owed\u{1B}[31m\",1,5,"))
            #expect(csv.output.contains(",over_calls unknown_status\n"))
            let table = try await database.run(Self.call)
            #expect(table.ending == .exited(0) && !table.output.contains("\u{1B}"))
            let some = try await database.run(Self.call + ["--status", "=owed\u{1B}[31m"])
            #expect(some.ending == .exited(0) && some.output.contains("alpha"))
        }
    }

    @Test func `is a page of its own as html`() async throws {
        try await TestDatabase.lend { database in
            try await database.seedReport()
            let run = try await database.run(Self.call + ["--format", "html"])
            #expect(run.ending == .exited(0) && run.errors.isEmpty)
            #expect(
                run.output.hasPrefix("\n<!doctype html>") || run.output.hasPrefix("<!doctype html>")
            )
            #expect(run.output.contains("=SUM(A1:A9),&quot;x&quot;"))
            #expect(run.output.hasSuffix("</html>\n"))
        }
    }

    @Test(arguments: ["/dev/null", "/", "/nowhere/at/all.csv"])
    func `refuses an output that is no place for a file`(path: String) async throws {
        try await TestDatabase.lend { database in
            let run = try await database.run(Self.call + ["--output", path])
            #expect(run.ending == .exited(1))
            #expect(run.errors.hasPrefix("billing: \(path) "))
        }
    }

    @Test func `ends quietly when its reader goes away`() async throws {
        try await TestDatabase.lend { database in
            try await database.psql(
                """
                INSERT INTO clinics (clinic_id, name, subdomain, created_at)
                SELECT gen_random_uuid(), repeat('n', 200), 'c' || n, '2026-01-15'
                FROM generate_series(1, 5000) AS n
                """)
            let program = try Product.path("billing")
            let pipe = #"set -o pipefail; "$1" report --month 2026-03 --format csv | head -n 1"#
            let run = try await RunningProcess.run(
                "/bin/bash", ["-c", pipe, "bash", program],
                environment: ["DATABASE_URL": database.url(of: Login.admin)])
            #expect(run.ending == .exited(0))
            #expect(run.output == Self.header)
            #expect(run.errors.isEmpty)
        }
    }

    @Test func `says what to do when the database is not migrated or the login has no rights`()
        async throws
    {
        try await TestDatabase.lendEmpty { database in
            let run = try await database.run(["billing", "report"])
            #expect(run.ending == .exited(1))
            #expect(run.errors.contains("run metering-worker migrate"))
        }
        try await TestDatabase.lend { database in
            try await database.psql(
                """
                DO $$ BEGIN CREATE ROLE command_nobody LOGIN PASSWORD 'kanarienvogel';
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
                """)
            let url = database.url(of: "command_nobody", password: "kanarienvogel")
            let run = try await database.run(["billing", "report"], ["DATABASE_URL": url])
            #expect(run.ending == .exited(1))
            #expect(run.errors.contains("GRANT billing_admin TO"))
        }
    }

    @Test func `says that the connection is refused, or the password wrong`() async throws {
        try await TestDatabase.lendEmpty { database in
            let port = FreePort.next()
            let closed = try await database.run(
                ["billing", "report"], ["DATABASE_URL": "postgresql://u@127.0.0.1:\(port)/d"])
            #expect(closed.ending == .exited(1))
            #expect(closed.errors.hasPrefix("billing: cannot connect to PostgreSQL"))
            let wrong = try await database.run(
                ["billing", "report"],
                ["DATABASE_URL": database.url(of: Login.admin, password: "kanarienvogel-2")])
            #expect(wrong.ending == .exited(1))
            #expect(wrong.errors.hasPrefix("billing: PostgreSQL refused the role or its password"))
        }
    }
}

extension TestDatabase {
    /// Clinic 1 without a subscription; clinic 2 with one, and with usage, people and a hostile name.
    func seedReport() async throws {
        try await psql(
            #"""
            INSERT INTO clinics (clinic_id, name, subdomain, created_at) VALUES
                ('00000000-0000-4000-8000-000000000001', 'Zahnärzte am Platz', 'beta', '2026-01-15'),
                ('00000000-0000-4000-8000-000000000002', '=SUM(A1:A9),"x"', 'alpha', '2026-01-15');
            INSERT INTO subscription_plans (name, max_users, max_patients, features) VALUES
                ('Basic', 5, -1, '{"metering": {"quota": {"api_calls": 500000},
                    "storage_bytes": 1073741824}}');
            INSERT INTO clinic_subscriptions (clinic_id, plan_id, start_date, end_date, payment_status)
            VALUES ('00000000-0000-4000-8000-000000000002', 1, '2026-01-01', '2027-01-01', 'past_due');
            INSERT INTO users (email, clinic_id)
            VALUES ('a@example.com', '00000000-0000-4000-8000-000000000002');
            INSERT INTO patients (name, clinic_id) VALUES
                ('P', '00000000-0000-4000-8000-000000000002'),
                ('Q', '00000000-0000-4000-8000-000000000002');
            INSERT INTO api_usage (clinic_id, month, api_calls, storage_used) VALUES
                ('00000000-0000-4000-8000-000000000002', '2026-03-01', 1234567890123, 4096);
            INSERT INTO metering.usage_month (month, bucket, due, rolled_up_at)
            VALUES ('2026-03-01', 0, true, '2026-03-31 10:00:07+00');
            """#)
    }

    func currentMonth() async throws -> String {
        let text = try await psql("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM')")
        return text.trimmingCharacters(in: .newlines)
    }
}
