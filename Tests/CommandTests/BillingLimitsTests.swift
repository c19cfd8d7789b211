import DatabaseSupport
import TestSupport
import Testing
import WorkerSupport

/// The real `billing limits`, with a login that has no role but billing_admin.
@Suite(.timed) struct `Billing limits` {
    @Test func `are switched, listed and counted again by an administrator`() async throws {
        try await TestDatabase.lend { database in
            try await database.seed()
            #expect(
                try await database.answer("enforce")
                    == "over: smile users 2 of 1\nlimits were already enforced\n")
            #expect(
                try await database.answer("observe") == "limits are now observed only\n")
            try await database.psql(
                """
                BEGIN; SET LOCAL app.current_clinic_id = '00000000-0000-4000-8000-000000000001';
                SELECT metering.reserve_seat('00000000-0000-4000-8000-000000000001', 'invitation 7',
                    now() + interval '7 days'); COMMIT;
                """)
            let status = try await database.answer("status").split(separator: "\n")
            #expect(status.first?.hasPrefix("limits are observed only since 20") == true)
            #expect(
                status.dropFirst() == [
                    "over: smile users 3 of 1",
                    "seats reserved for invitations: 1, clinics: 1",
                    "clinics without a plan, so without limits: 1",
                ])
            #expect(
                try await database.answer("recount")
                    == """
                    00000000-0000-4000-8000-000000000001 patients: counter 5, rows 0
                    clinics counted: 2, counters corrected: 1

                    """)
        }
    }

    @Test func `are enforced only after a yes, and name first whom that stops`() async throws {
        try await TestDatabase.lend { database in
            try await database.seed()
            _ = try await database.answer("observe")
            let call = ["billing", "limits", "enforce"]
            let dry = try await database.run(call + ["--dry-run"])
            #expect(dry.ending == .exited(0))
            #expect(dry.output == "over: smile users 2 of 1\nlimits would be enforced\n")
            let told = try await database.run(call + ["--dry-run", "--exit-code"])
            #expect(told.ending == .exited(7))
            let asked = try await database.run(call)
            #expect(asked.ending == .exited(2) && asked.output == "over: smile users 2 of 1\n")
            #expect(asked.errors.contains("add --yes"))
            #expect(try await database.answer("status").contains("limits are observed only"))
            let agreed = try await database.run(call + ["--yes"])
            #expect(agreed.output == "over: smile users 2 of 1\nlimits are now enforced\n")
            let again = try await database.run(call + ["--dry-run", "--exit-code"])
            #expect(again.ending == .exited(0) && again.output.hasSuffix("already enforced\n"))
        }
    }

    @Test func `are refused to a login without the role, with the remedy`() async throws {
        try await TestDatabase.lend { database in
            for (mode, call) in [("true", ["observe"]), ("false", ["enforce", "--yes"])] {
                try await database.psql("UPDATE metering.limit_mode SET enforced = \(mode)")
                let run = try await database.run(
                    ["billing", "limits"] + call, ["DATABASE_URL": database.url()])
                #expect(run.ending == .exited(1))
                #expect(run.errors.contains("GRANT billing_admin TO"))
            }
        }
    }
}

extension TestDatabase {
    /// A clinic over its plan with a wrong counter, and one without a plan.
    fileprivate func seed() async throws {
        try await psql(
            """
            INSERT INTO clinics (clinic_id, name, subdomain)
            VALUES ('00000000-0000-4000-8000-000000000001', 'Smile', 'smile'),
                ('00000000-0000-4000-8000-000000000002', 'None', 'none');
            INSERT INTO subscription_plans (name, max_users, max_patients, features)
            VALUES ('Small', 2, 9, '{}');
            INSERT INTO clinic_subscriptions (clinic_id, plan_id, start_date, end_date, payment_status)
            VALUES ('00000000-0000-4000-8000-000000000001', 1, '2026-01-01', '2027-01-01', 'active');
            INSERT INTO users (email, clinic_id)
            SELECT 'u', '00000000-0000-4000-8000-000000000001' FROM generate_series(1, 2);
            UPDATE subscription_plans SET max_users = 1;
            UPDATE metering.clinic_counter SET patients = 5;
            """)
    }

    fileprivate func answer(_ word: String) async throws -> String {
        let run = try await run(["billing", "limits", word])
        guard run.ending == .exited(0) else {
            throw TestFailure("\(word): \(run.errors)")
        }
        return run.output
    }
}
