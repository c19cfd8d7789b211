import DatabaseSupport
import Metering
import Postgres
import TestSupport
import Testing

@testable import Ledger

/// Tables of a team that are not quite as ours.
@Suite(.timed) struct `Tables that a team made otherwise` {
    private static let clinic = ClinicID.numbered(1)

    @Test func `several roles of a person are one seat`() async throws {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: 2, patients: -1, storage: nil)
            try await database.owner.script(
                """
                ALTER TABLE clinic_staff DROP CONSTRAINT clinic_staff_pkey;
                INSERT INTO users (id, email) VALUES (90, 'x'), (91, 'y'), (92, 'z');
                INSERT INTO clinic_staff VALUES ('\(Self.clinic)', 90, 'DENTIST'),
                    ('\(Self.clinic)', 90, 'CLINIC_OWNER'), ('\(Self.clinic)', 91, 'DENTIST');
                """)
            #expect(try await database.counters() == ["1: 2 0 0"])
            let third = "INSERT INTO clinic_staff VALUES ('\(Self.clinic)', 92, 'DENTIST');"
            #expect(try await database.refusal(of: third)?.sqlState == "BQ001")
            // One role less is the same seat; the last one gives it back.
            try await database.owner.script("DELETE FROM clinic_staff WHERE role = 'CLINIC_OWNER'")
            #expect(try await database.counters() == ["1: 2 0 0"])
            try await database.owner.script(
                "UPDATE clinic_staff SET user_id = 91 WHERE user_id = 90;" + third)
            #expect(try await database.counters() == ["1: 2 0 0"])
            try await database.owner.script("DELETE FROM clinic_staff")
            #expect(try await database.counters() == ["1: 0 0 0"])
            try await database.expectNoDrift()
        }
    }

    @Test func `a plan that says NULL has no limit`() async throws {
        try await TeamDatabase.lend { team in
            try await team.owner.script(
                """
                ALTER TABLE subscription_plans ALTER COLUMN max_users DROP NOT NULL,
                    ALTER COLUMN max_patients DROP NOT NULL;
                UPDATE subscription_plans SET max_users = NULL;
                """)
            _ = try await team.migrator.apply()
            try await team.owner.script("UPDATE subscription_plans SET max_patients = NULL")
            let versions = try await team.superuser.ask(
                """
                SELECT count(*) FROM metering.plan_version v WHERE (max_users, max_patients) = (-1, -1)
                    AND version = (SELECT max(version) FROM metering.plan_version WHERE plan_id = v.plan_id)
                """)
            let plans = try await team.superuser.ask("SELECT count(*) FROM subscription_plans")
            #expect(try versions[0].int64(0) == plans[0].int64(0))
            let rows = try await team.superuser.query(SQL.planList, [.null])
            #expect(try rows.count > 0 && rows.allSatisfy { try $0.int64("max_users") == -1 })
        }
    }

    @Test func `words of a status that have no room are named before anything is changed`()
        async throws
    {
        try await TeamDatabase.lend(rows: false) { team in
            try await team.owner.script(
                """
                ALTER TABLE clinic_subscriptions ALTER COLUMN payment_status TYPE varchar(9),
                    ADD CONSTRAINT known_words CHECK (payment_status IN ('active', 'past_due'));
                """)
            let problems = try await team.owner.query(SQL.attachProblems)
            #expect(
                try problems.map { try $0.text("what") } == [
                    "public.clinic_subscriptions.payment_status is too short for its values",
                    "the constraint known_words of payment_status does not name all of the eight values",
                ])
            await #expect(throws: MigrationError.self) { try await team.migrator.apply() }
            for problem in problems { try await team.owner.script(try problem.text("remedy")) }
            #expect(try await team.owner.query(SQL.attachProblems).isEmpty)
            _ = try await team.migrator.apply()
        }
    }
}
