import DatabaseSupport
import Foundation
import LocalServers
import TestSupport
import Testing
import WorkerSupport

/// The real `billing plan` and `billing override`, with a login that has no role but billing_admin.
@Suite(.timed) struct `Billing plans` {
    private static let gold = """
        {"name": "Gold", "max_users": 2, "max_patients": -1, "features": {"theme": "dark", "metering":
         {"quota": {"api_calls": 1000}, "limits": {"default": {"rate": 20, "per": "1s"}}}}}
        """

    @Test func `are checked without a database, every fault with its place`() async throws {
        let files = try TemporaryDirectory()
        defer { files.remove() }
        let good = try files.write("good.json", "[\(Self.gold)]")
        let run = try await Program.run(["billing", "plan", "validate", good], [:])
        #expect(run.ending == .exited(0) && run.output == "\"Gold\" is good\n")
        for (text, says) in [
            ("{", "has a member without a key in quotes (line 1)"),
            (#"{"name": "A", "name": "B"}"#, "name is named twice"),
            ("[]", "has 0 plans"),
            ("[\(Self.gold), \(Self.gold)]", "plan \"Gold\": is there twice"),
            (#"[{"name": "A"}]"#, "plan \"A\": plan.max_users is missing"),
            (
                Self.gold.replacing("1000", with: "1000, \"api_calls\": 1"),
                "0.features.metering.quota.api_calls is named twice"
            ),
            (
                Self.gold.replacing("1000", with: "\"1000\""),
                "plan \"Gold\": metering.quota.api_calls is \"1000\""
            ),
            (
                Self.gold.replacing(
                    "\"limits\"", with: "\"billing\": {\"base\": \"1\"}, \"limits\""),
                "metering.billing.currency is missing"
            ),
            (Self.gold.replacing("-1", with: "-2"), "plan.max_patients is -2"),
        ] {
            let file = try files.write(
                "bad.json", text.hasPrefix("{\"name\": \"Gold\"") ? "[\(text)]" : text)
            let run = try await Program.run(["billing", "plan", "validate", file], [:])
            #expect(run.ending == .exited(2) && run.output.isEmpty)
            #expect(run.errors.contains(says), "\(run.errors)")
        }
        let none = try await Program.run(["billing", "plan", "validate", files.path + "/no"], [:])
        #expect(none.ending == .exited(2) && none.errors.contains("cannot be read"))
    }

    @Test func `are created, changed and left alone, and a dry run only tells`() async throws {
        let files = try TemporaryDirectory()
        defer { files.remove() }
        try await TestDatabase.lend { database in
            let first = try files.write("first.json", Self.gold)
            #expect(
                try await database.billing("plan apply", first, "--dry-run")
                    == "\"Gold\": would be created\n")
            #expect(
                try await database.billing("plan apply", first) == "\"Gold\": created, version 1\n")
            #expect(
                try await database.billing("plan apply", first)
                    == "\"Gold\": unchanged, version 1\n")
            try await database.psql(
                """
                INSERT INTO clinics (clinic_id, name, subdomain)
                VALUES ('00000000-0000-4000-8000-000000000001', 'Smile', 'smile');
                INSERT INTO clinic_subscriptions VALUES
                ('00000000-0000-4000-8000-000000000001', 1, '2026-01-01', '2027-01-01', 'active');
                INSERT INTO users (email, clinic_id)
                SELECT 'u', '00000000-0000-4000-8000-000000000001' FROM generate_series(1, 2);
                """)
            let second = try files.write(
                "second.json",
                """
                {"name": "Gold", "max_users": 1, "max_patients": 50, "features": {"metering":
                 {"quota": {"api_calls": 400}, "limits": {"default": {"rate": 40, "per": "1s"}}}}}
                """)
            let told = """
                  max_users: 2 -> 1, refuses additions and removes nothing
                  max_patients: -1 -> 50, refuses additions and removes nothing
                  features.metering.limits.default.rate: 20 -> 40
                  features.metering.quota.api_calls: 1000 -> 400, from next month
                  clinics: 1 ("smile")
                  clinics over the limit: users 1

                """
            #expect(
                try await database.billing("plan apply", second, "--dry-run")
                    == "\"Gold\": would change, version 1 now\n" + told)
            #expect(
                try await database.billing("plan apply", second) == "\"Gold\": changed, version 2\n"
                    + told)
            // The application's own key was not named, and stays.
            let kept = try await database.psql(
                "SELECT features ->> 'theme' FROM subscription_plans")
            #expect(kept == "dark\n")
            let list = try await database.billing("plan list").split(separator: "\n")
            #expect(list.count == 2)
            #expect(
                list[1] == "1     Gold  2        1        1      50        400            unlimited"
            )
        }
    }

    /// Keys in another order, also within lists, and numbers in other forms are the same plan.
    @Test func `come to rest whatever the order of keys and the form of numbers`() async throws {
        let files = try TemporaryDirectory()
        defer { files.remove() }
        try await TestDatabase.lend { database in
            let text = """
                {"name": "Tiers", "max_users": 1, "max_patients": 2, "features": {
                  "rate": 1e3, "share": 0.50, "list": [{"b": 1.0, "a": [1E2, {"z": 0, "y": -0}]}],
                  "metering": {"quota": {"api_calls": 500}, "billing": {
                    "currency": "EUR", "base": "49.00",
                    "api_calls": {"model": "graduated", "tiers": [
                      {"price": "0.010", "up_to": 900}, {"price": "0.008", "up_to": null}]}}}}}
                """
            let file = try files.write("tiers.json", text)
            #expect(
                try await database.billing("plans apply", file)
                    == "\"Tiers\": created, version 1\n")
            for _ in 1...2 {
                let run = try await database.run([
                    "billing", "plans", "apply", file, "--dry-run", "--exit-code",
                ])
                #expect(run.ending == .exited(0), "\(run.output)\(run.errors)")
                #expect(
                    try await database.billing("plans apply", file)
                        == "\"Tiers\": unchanged, version 1\n")
            }
            let other = try files.write("other.json", text.replacing("0.008", with: "0.007"))
            let run = try await database.run([
                "billing", "plans", "apply", other, "--dry-run", "--exit-code",
            ])
            #expect(run.ending == .exited(7))
            #expect(run.output.contains("would change, version 1 now"))
            let told = try await database.run(["billing", "plans", "apply", other, "--dry-run"])
            #expect(told.ending == .exited(0))
        }
    }

    @Test func `are shown as a file that can be applied again`() async throws {
        let files = try TemporaryDirectory()
        defer { files.remove() }
        try await TestDatabase.lend { database in
            _ = try await database.billing("plan apply", files.write("gold.json", Self.gold))
            let shown = try await database.billing("plan show Gold --format json")
            let again = try files.write("again.json", shown)
            #expect(
                try await database.billing("plan apply", again)
                    == "\"Gold\": unchanged, version 1\n")
            try await database.psql(
                "UPDATE subscription_plans SET features = jsonb_set(features, '{metering,quota}', '{\"a\": 1}')"
            )
            let text = try await database.billing("plan show Gold")
            #expect(text.contains("plan 1 \"Gold\", 0 clinics\nusers 2, patients unlimited\n"))
            #expect(text.contains("refused: metering.quota.a is unknown\n"))
            #expect(text.contains("\n2        20") && text.contains(Login.admin))
            let list = try await database.billing("plan list")
            #expect(list.contains("refused: \"Gold\" metering.quota.a is unknown\n"))
            for (call, code, says) in [
                ("plan show Silver", 5, "no plan has the name \"Silver\""),
                ("plan apply /no/such/file", 2, "cannot be read"),
            ] as [(String, Int32, String)] {
                let run = try await database.run(
                    ["billing"] + call.split(separator: " ").map(String.init))
                #expect(run.ending == .exited(code) && run.errors.contains(says))
            }
            try await database.psql(
                "INSERT INTO subscription_plans SELECT 99, name, max_users, max_patients, features FROM subscription_plans"
            )
            let twins = try await database.run(["billing", "plan", "show", "Gold"])
            #expect(twins.ending == .exited(5))
            #expect(twins.errors.contains("several plans have the name"))
        }
    }
}

@Suite(.timed) struct `Billing overrides` {
    private let smile = "00000000-0000-4000-8000-000000000001"

    @Test func `are set, replaced, listed and ended, and the audit log has each`() async throws {
        try await TestDatabase.lend { database in
            try await database.psql(
                """
                INSERT INTO clinics (clinic_id, name, subdomain) VALUES ('\(smile)', 'Smile', 'smile');
                INSERT INTO subscription_plans (name, max_users, max_patients, features)
                VALUES ('Gold', 1, 9, '{"metering": {"limits": {"default": {"rate": 1, "per": "1s"}}}}');
                INSERT INTO clinic_subscriptions VALUES ('\(smile)', 1, '2026-01-01', '2027-01-01', 'active');
                """)
            let end = ["--until", "2099-12-31", "--reason", "two locums"]
            #expect(
                try await database.billing("override set smile users 30", end)
                    == "override 1: smile users 30 until 2100-01-01 00:00:00 UTC\n")
            #expect(
                try await database.billing("override set \(smile) users unlimited", end)
                    == "override 2: smile users unlimited until 2100-01-01 00:00:00 UTC\n")
            #expect(
                try await database.billing("override set smile limit:default 40/1s/120", end)
                    == "override 3: smile limit:default 40/1s/120 until 2100-01-01 00:00:00 UTC\n")
            let list = try await database.billing("override list smile").split(separator: "\n")
            #expect(list.count == 3 && list[0].hasPrefix("id  clinic  what"))
            #expect(list[1].hasPrefix("3   smile   limit:default  40/1s/120"))
            // The database itself lets the clinic have more seats than its plan.
            try await database.psql(
                "INSERT INTO users (email, clinic_id) SELECT 'u', '\(smile)' FROM generate_series(1, 5)"
            )
            #expect(
                try await database.billing("override end 2 --reason", ["they left"])
                    == "override 2 of \(smile) has ended\n")
            let refused = try await database.server.client(
                "psql", ["-X", "-q"], database: database.name,
                input: "INSERT INTO users (email, clinic_id) VALUES ('v', '\(smile)')")
            #expect(refused.isEmpty)
            #expect(try await database.psql("SELECT count(*) FROM users") == "5\n")
            let again = try await database.run(
                ["billing", "override", "end", "2", "--reason", "twice"])
            #expect(
                again.ending == .exited(5) && again.errors.contains("override 2 is not in force"))
            let audit = try await database.psql(
                "SELECT action, entity_id, details ->> 'reason', details ->> 'by' FROM audit_logs WHERE action LIKE 'override%' ORDER BY id"
            )
            #expect(
                audit == """
                    override_set|1|two locums|test_admin
                    override_ended|1|replaced|test_admin
                    override_set|2|two locums|test_admin
                    override_set|3|two locums|test_admin
                    override_ended|2|they left|test_admin

                    """)
            #expect(
                try await database.billing("override set smile shadow:limit:default on", end)
                    == "override 4: smile shadow:limit:default on until 2100-01-01 00:00:00 UTC\n")
            #expect(
                try await database.billing("override end 4 --reason", ["it is good"])
                    == "override 4 of \(smile) has ended\n")
        }
    }

    @Test func `say what is wrong before they touch the database`() async throws {
        for (call, says) in [
            (["users", "40/1s"], "users takes a whole number or unlimited"),
            (["limit:default", "40"], "limit:default takes RATE/PER"),
            (["limit:Default", "40/1s"], "limit:NAME"), (["seats", "4"], "write quota, users"),
            (["users", "-2"], "Missing expected argument"),
            (["users", "many"], "write a whole number"),
            (["limit:default", "1/1d/1000000000"], "limit:default takes RATE/PER"),
        ] {
            let run = try await Program.run(
                ["billing", "override", "set", "smile"] + call
                    + ["--until", "2099-01-01", "--reason", "x"], [:])
            #expect(run.ending == .exited(2), "\(call)")
            #expect(run.errors.contains(says), "\(run.errors)")
        }
        let day = try await Program.run(
            [
                "billing", "override", "set", "smile", "users", "1", "--until", "2026-02-30",
                "--reason", "x",
            ], [:])
        #expect(day.ending == .exited(2) && day.errors.contains("YYYY-MM-DD"))
    }
}

extension TemporaryDirectory {
    fileprivate func write(_ name: String, _ text: String) throws -> String {
        let file = "\(path)/\(name)"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }
}

extension TestDatabase {
    /// The answer of `billing`, with words split at blanks and then more arguments as they are.
    fileprivate func billing(_ words: String, _ more: [String] = []) async throws -> String {
        let run = try await run(["billing"] + words.split(separator: " ").map(String.init) + more)
        guard run.ending == .exited(0) else {
            throw TestFailure("\(words): \(run.errors)")
        }
        return run.output
    }

    fileprivate func billing(_ words: String, _ more: String...) async throws -> String {
        try await billing(words, more)
    }
}
