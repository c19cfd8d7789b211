import DatabaseSupport
import Foundation
import LocalServers
import Metering
import TestSupport
import Testing
import WorkerSupport

/// The real `billing clinics`, `usage` and `outbox`, and the two roles of a login.
@Suite(.timed) struct `Billing clinics` {
    @Test func `are added once, found, shown and listed`() async throws {
        try await TestDatabase.lend { database in
            let add = ["billing", "clinics", "add", "Zahnärzte am Platz", "--subdomain", "platz"]
            let made = try await database.run(add + ["--as", "anna"])
            #expect(made.ending == .exited(0), "\(made.errors)")
            let id = made.output.trimmingCharacters(in: .newlines)
            #expect(ClinicID(id) != nil)
            #expect(made.errors.contains("next: billing subscribe platz"))
            let again = try await database.run(add)
            #expect(again.ending == .exited(0) && again.output == "\(id)\n")
            #expect(again.errors.contains("is there already"))
            let taken = try await database.run(
                ["billing", "clinics", "add", "Other", "--subdomain", "platz"])
            #expect(taken.ending == .exited(5) && taken.output.isEmpty)
            #expect(taken.errors.contains("another clinic has this subdomain"))
            let audit = try await database.psql(
                "SELECT action, details ->> 'by', details ->> 'said_by' FROM audit_logs")
            #expect(audit == "clinic_added|test_admin|anna\n")

            try await database.psql(
                """
                INSERT INTO clinics (clinic_id, name)
                VALUES ('00000000-0000-4000-8000-000000000009', E'Without\\nname');
                INSERT INTO subscription_plans (name, max_users, max_patients, features)
                VALUES ('Solo', 2, 9, '{}');
                INSERT INTO clinic_subscriptions
                    (clinic_id, plan_id, start_date, end_date, payment_status)
                VALUES ('\(id)', 1, '2026-01-01', 'infinity', 'active');
                """)
            let list = try await database.run(["billing", "clinic", "list"])
            #expect(list.ending == .exited(0), "\(list.errors)")
            let lines = list.output.split(separator: "\n")
            #expect(lines.count == 3)
            #expect(lines[1].hasPrefix("platz"))
            #expect(lines[1].hasSuffix("Solo  active    \(id)"), "\(lines[1])")
            #expect(lines[2].hasSuffix("00000000-0000-4000-8000-000000000009"))
            let found = try await database.run(
                ["billing", "clinics", "list", "--search", "ZAHN", "--format", "json"])
            let rows = try JSONDecoder().decode(
                [[String: String?]].self, from: Data(found.output.utf8))
            #expect(rows.count == 1 && rows[0]["clinic_id"] == id)
            #expect(rows[0]["last_day"] == "infinity" && rows[0]["plan"] == "Solo")
            let short = try await database.run(["billing", "clinics", "list", "--limit", "1"])
            #expect(short.output.split(separator: "\n").count == 2)
            #expect(short.errors.contains("there are more than 1"))
            let show = try await database.run(["billing", "clinics", "show", "platz"])
            #expect(show.output.contains("name       \"Zahnärzte am Platz\"\n"))
            #expect(show.output.contains("days       2026-01-01 to infinity\n"))
            let nobody = try await database.run(["billing", "clinics", "show", "nobody"])
            #expect(nobody.ending == .exited(5))
            #expect(nobody.errors.contains("see billing clinics list"))
        }
    }

    @Test(arguments: [
        ["add", "", "--subdomain", "a"], ["add", "A", "--subdomain", "A"],
        ["add", "A", "--subdomain", "-a"], ["add", "A", "--subdomain", ""],
        ["list", "--limit", "0"],
    ])
    func `refuse what could not be a clinic`(call: [String]) async throws {
        let run = try await Program.run(["billing", "clinics"] + call)
        #expect(run.ending == .exited(2), "\(run.errors)")
    }

    @Test func `have months of usage`() async throws {
        try await TestDatabase.lend { database in
            try await database.seedCounts()
            _ = try await database.run(["metering-worker", "rollup", "--month", "2026-03"])
            let run = try await database.run(
                ["billing", "usage", "one", "--month", "2026-03", "--format", "csv"])
            #expect(run.ending == .exited(0), "\(run.errors)")
            let lines = run.output.split(separator: "\n")
            #expect(lines.count == 14)
            #expect(lines.last?.hasPrefix("2026-03,1,40,") == true, "\(lines.last ?? "")")
        }
    }

    @Test func `have messages that are done once, and others are named`() async throws {
        try await TestDatabase.lend { database in
            try await database.psql(
                """
                INSERT INTO metering.outbox (clinic_id, kind, payload)
                SELECT gen_random_uuid(), 'plan_changed', '{}' FROM generate_series(1, 2);
                """)
            let call = ["billing", "outbox", "done"]
            let some = try await database.run(call + ["1", "9999", "2"])
            #expect(some.ending == .exited(5))
            #expect(some.output == "done 1\ndone 2\n")
            #expect(some.errors.contains("the outbox has no message 9999"))
            let again = try await database.run(call + ["2"])
            #expect(again.ending == .exited(0) && again.output == "2 was done already\n")
        }
    }

    @Test func `are read by a viewer, who changes nothing`() async throws {
        try await TestDatabase.lend { database in
            try await database.psql(
                """
                DO $$ BEGIN CREATE ROLE command_viewer LOGIN PASSWORD 'kept';
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
                GRANT billing_viewer TO command_viewer;
                INSERT INTO clinics (clinic_id, name, subdomain)
                VALUES ('00000000-0000-4000-8000-000000000001', 'Smile', 'smile');
                INSERT INTO subscription_plans (name, max_users, max_patients, features)
                VALUES ('Solo', 2, 9, '{}');
                INSERT INTO clinic_subscriptions VALUES
                ('00000000-0000-4000-8000-000000000001', 1, '2026-01-01', '2099-01-01', 'active');
                """)
            let url = [
                "DATABASE_URL": database.server.url(
                    user: "command_viewer", password: "kept", database: database.name)
            ]
            for words in [
                "report", "report --format html", "report --group-by plan", "report --attention",
                "usage smile", "clinics list", "clinics show smile", "plans list",
                "plans show Solo", "overrides list", "limits status", "quota explain smile",
                "standing smile", "dunning simulate smile", "outbox list",
                "plan-change smile Solo --dry-run",
            ] {
                let run = try await database.run(
                    ["billing"] + words.split(separator: " ").map(String.init), url)
                #expect(run.ending == .exited(0), "\(words): \(run.errors)")
            }
            for words in [
                "clinics add New --subdomain new", "limits observe", "limits recount",
                "quota reset smile --reason x --yes", "quota refund smile 1 --id a --reason x",
                "pay smile --reason x", "hold smile --reason x",
                "overrides set smile users 9 --until 2099-01-01 --reason x", "outbox done 1",
                "plan-change smile Solo --now --reason x",
            ] {
                let run = try await database.run(
                    ["billing"] + words.split(separator: " ").map(String.init), url)
                #expect(run.ending == .exited(1), "\(words): \(run.output)\(run.errors)")
                #expect(run.errors.contains("billing_viewer, which only reads"), "\(run.errors)")
            }
        }
    }

    @Test func `change under the name of the environment too`() async throws {
        try await TestDatabase.lend { database in
            let add = ["billing", "clinics", "add", "One", "--subdomain", "one"]
            let made = try await database.run(add, ["BILLING_ACTOR": "bert"])
            #expect(made.ending == .exited(0), "\(made.errors)")
            #expect(
                try await database.psql("SELECT details ->> 'said_by' FROM audit_logs") == "bert\n")
            let wrong = try await database.run(add, ["BILLING_ACTOR": "J\u{F6}rg"])
            #expect(wrong.ending == .exited(2) && wrong.errors.contains("BILLING_ACTOR takes"))
        }
    }
}
