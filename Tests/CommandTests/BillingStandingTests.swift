import DatabaseSupport
import LocalServers
import TestSupport
import Testing
import WorkerSupport

/// The real `billing`, telling facts with a login that has no role but billing_admin.
@Suite(.timed) struct `Billing standing` {
    @Test func `goes through the life of a subscription by commands`() async throws {
        try await TestDatabase.lend { database in
            try await database.seed()
            let steps: [(String, String)] = [
                (
                    "subscribe smile Small --trial 14",
                    "none -> trialing, because it was subscribed\n"
                ),
                ("pay smile --key 1", "trialing -> active, because it was paid\n"),
                ("pay smile --key 1", "already recorded; still active\n"),
                (
                    "charge smile --invoice 7 --due 2026-01-02",
                    "active -> past_due, because an amount is unpaid\n"
                ),
                ("pay smile --invoice 7", "past_due -> active, because it was paid\n"),
                ("hold smile --until 2126-01-01", "active -> paused, because it is held\n"),
                ("release smile", "paused -> active, because it was released\n"),
                ("fail smile", "active -> past_due, because an amount is unpaid\n"),
                ("pay smile", "past_due -> active, because it was paid\n"),
                ("reopen smile --invoice 7", "active -> past_due, because an amount is unpaid\n"),
                ("cancel smile", "past_due -> canceled, because it was canceled\n"),
            ]
            for (words, answer) in steps {
                #expect(
                    try await database.billing(words + " --reason test").output == answer,
                    "\(words)")
            }
            let page = try await database.billing("standing smile").output
            #expect(page.contains("status  canceled since "))
            #expect(page.contains("past_due -> canceled, canceled (event 10, by "))
            #expect(page.contains(" canceled until "))
            let messages = try await database.billing("outbox list --limit 1").output
            #expect(messages.hasPrefix(#"{"id":1,"kind":"standing_changed","created_at":"20"#))
            #expect(
                try await database.billing("outbox done 1 1").output
                    == "done 1\n1 was done already\n")
        }
    }

    @Test func `tells every date to come, and what another plan would mean`() async throws {
        try await TestDatabase.lend { database in
            try await database.seed()
            _ = try await database.billing("subscribe smile Large --reason test")
            let dates = try await database.billing(
                "dunning simulate smile --unpaid-since 2126-01-01"
            ).output.split(separator: "\n")
            #expect(
                dates.dropFirst() == [
                    "2126-01-01 00:00:00 UTC past_due, because an amount is unpaid",
                    "2126-01-02 00:00:00 UTC notice of day 1",
                    "2126-01-04 00:00:00 UTC notice of day 3",
                    "2126-01-08 00:00:00 UTC notice of day 7",
                    "2126-01-13 00:00:00 UTC notice of day 12",
                    "2126-01-15 00:00:00 UTC suspended, because the grace period is over",
                    "2126-03-02 00:00:00 UTC canceled, because the last deadline has passed",
                ])
            let look = try await database.billing("plan-change smile Small --dry-run").output
            #expect(look.hasPrefix("would move from \"Large\" to \"Small\" at 2"))
            #expect(look.contains("  users: 3 used, 9 -> 2, over by 1\n"))
            let larger = try await database.billing("plan-change smile Large --now --reason x")
                .output
            #expect(larger.hasPrefix("moved from \"Large\" to \"Large\"\n"))
        }
    }

    @Test func `adopts the eight words once no other is left`() async throws {
        try await TestDatabase.lend { database in
            try await database.seed()
            let owner = [
                "DATABASE_OWNER_URL": database.server.superuserURL(database: database.name)
            ]
            let call = ["billing", "standing", "adopt"]
            let repeated = try await database.run(call, owner).output
            #expect(repeated.hasSuffix("already restricted to the eight values\n"))
            try await database.psql(
                """
                ALTER TABLE clinic_subscriptions
                    DROP CONSTRAINT metering_payment_status_check;
                ALTER TABLE clinic_subscriptions DISABLE TRIGGER USER;
                INSERT INTO clinics (clinic_id, name) VALUES (gen_random_uuid(), 'Two');
                INSERT INTO clinic_subscriptions
                    (clinic_id, plan_id, start_date, end_date, payment_status)
                SELECT clinic_id, 1, '2026-01-01', '2027-01-01',
                    CASE name WHEN 'Two' THEN 'vip' ELSE 'Paid' END FROM clinics;
                ALTER TABLE clinic_subscriptions ENABLE TRIGGER USER;
                """)
            let left = try await database.run(call, owner)
            #expect(left.ending == .exited(3) && left.output == "1 clinics: \"vip\"\n")
            #expect(
                try await database.psql(
                    "SELECT count(*) FROM clinic_subscriptions WHERE payment_status = 'Paid'")
                    == "1\n")
            try await database.psql(
                "UPDATE clinic_subscriptions SET payment_status = 'trial' WHERE payment_status = 'vip'"
            )
            let done = try await database.run(call, owner)
            #expect(
                done.ending == .exited(0)
                    && done.output.hasSuffix("now restricted to the eight values\n"))
            let words = try await database.psql(
                "SELECT string_agg(payment_status, ' ' ORDER BY payment_status) FROM clinic_subscriptions"
            )
            #expect(words == "active trialing\n")
        }
    }

    @Test(arguments: [
        ("pay nobody --reason x", 5, "no clinic has the id or subdomain"),
        ("pay smile", 2, "--reason"), ("pay smile --reason x", 5, "has no subscription"),
        ("pay smile --reason x --at 2126-01-01", 5, "has no subscription"),
        ("subscribe smile Gold --reason x", 5, "no plan has the name"),
        ("subscribe smile Small --from 2126-01-01 --reason x", 2, "is in the future"),
        ("subscribe smile Small --to 2020-02-30 --reason x", 2, "a day is written"),
        ("hold smile --until soon --reason x", 2, "a time is written"),
        ("cancel smile --undo --on 2026-01-01 --reason x", 2, "give --undo or --on, not both"),
        ("plan-change smile Small", 2, "give --reason"),
        ("plan-change smile Small --dry-run", 5, "has no subscription"),
        ("dunning simulate smile", 5, "has no subscription"),
    ])
    func `says what is wrong, and ends with the code of it`(
        words: String, code: Int32, part: String
    ) async throws {
        try await TestDatabase.lend { database in
            try await database.seed()
            let run = try await database.billing(words)
            #expect(run.ending == .exited(code), "\(run.errors)")
            #expect(run.errors.contains(part), "\(run.errors)")
        }
    }
}

extension TestDatabase {
    fileprivate func seed() async throws {
        try await psql(
            """
            INSERT INTO clinics (clinic_id, name, subdomain)
            VALUES ('00000000-0000-4000-8000-000000000001', 'Smile', 'smile');
            INSERT INTO subscription_plans (name, max_users, max_patients, features)
            VALUES ('Small', 2, 9, '{}'), ('Large', 9, 9, '{}');
            INSERT INTO users (email, clinic_id)
            SELECT 'u', '00000000-0000-4000-8000-000000000001' FROM generate_series(1, 3);
            """)
    }

    fileprivate func billing(
        _ words: String
    ) async throws -> (ending: RunningProcess.Ending, output: String, errors: String) {
        try await run(["billing"] + words.split(separator: " ").map(String.init))
    }
}
