import Billing
import DatabaseSupport
import Ledger
import Metering
import Postgres
import TestSupport
import Testing

/// What one row, one session or one trigger of the team must not do to the standings of others.
@Suite(.timed) struct `Standings beside what is odd` {
    private static let clinic = ClinicID.numbered(1)
    private static let other = ClinicID.numbered(2)

    /// Two clinics on plan Gold, and another plan Silver.
    private func withClinics(
        features: String = "{}", _ body: (TestDatabase) async throws -> Void
    ) async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(2)
            let plan = try await database.makePlan("Gold", features: features)
            try await database.makePlan("Silver")
            for clinic in [Self.clinic, Self.other] {
                try await database.subscribe(clinic, to: plan)
            }
            try await database.ledger.subscriptions.evaluateDue()
            try await body(database)
        }
    }

    /// Both clinics move to Silver, and their day has come.
    private func askBoth(_ database: TestDatabase) async throws {
        let pool = try database.pool(of: Login.admin)
        for clinic in [Self.clinic, Self.other] {
            _ = try await Ledger(pool: pool).plans.move(
                clinic, to: "Silver", .nextMonth, reason: "test")
        }
        await pool.close()
        try await database.owner.script(
            "UPDATE metering.plan_change SET effective_at = now() - interval '1 hour'")
    }

    private static let plans = """
        SELECT name FROM clinic_subscriptions JOIN subscription_plans USING (plan_id) ORDER BY clinic_id
        """
    private static let attention = """
        SELECT kind || ' ' || times FROM metering.attention WHERE resolved_at IS NULL ORDER BY 1
        """

    // MARK: Plan changes

    @Test func `a plan change that a trigger refuses is put off, and holds up no other`()
        async throws
    {
        try await withClinics { database in
            try await askBoth(database)
            try await database.owner.script(
                """
                CREATE FUNCTION public.stop_it() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'P0001'; END $$;
                CREATE TRIGGER stop_it BEFORE UPDATE ON clinic_subscriptions FOR EACH ROW
                WHEN (OLD.clinic_id = '\(Self.clinic)') EXECUTE FUNCTION public.stop_it();
                """)
            for _ in 0..<3 { try await database.ledger.subscriptions.evaluateDue() }
            #expect(try await database.lines(Self.plans) == ["Gold", "Silver"])
            // Tried once, not each second.
            #expect(try await database.lines(Self.attention) == ["plan_change_failed 1"])

            try await database.owner.script(
                """
                DROP TRIGGER stop_it ON clinic_subscriptions;
                UPDATE metering.plan_change SET next_try = now() WHERE done_at IS NULL;
                """)
            try await database.ledger.subscriptions.evaluateDue()
            #expect(try await database.lines(Self.plans) == ["Silver", "Silver"])
            #expect(try await database.lines(Self.attention).isEmpty)
        }
    }

    @Test func `a plan change to a plan that is gone is dropped and noted`() async throws {
        try await withClinics { database in
            try await askBoth(database)
            try await database.owner.script("DELETE FROM subscription_plans WHERE name = 'Silver'")
            try await database.ledger.subscriptions.evaluateDue()
            #expect(try await database.lines(Self.plans) == ["Gold", "Gold"])
            #expect(
                try await database.lines(Self.attention)
                    == ["plan_change_dropped 1", "plan_change_dropped 1"])
            #expect(
                try await database.lines(
                    "SELECT id::text FROM metering.plan_change WHERE dropped_at IS NULL"
                ).isEmpty)
        }
    }

    @Test(arguments: [
        "DELETE FROM clinic_subscriptions WHERE clinic_id = '\(clinic)'",
        "TRUNCATE clinic_subscriptions",
    ])
    func `a plan change does not come to a later subscription`(statement: String) async throws {
        try await withClinics { database in
            try await askBoth(database)
            try await database.owner.script(statement)
            let plan = try await database.makePlan("Bronze")
            try await database.subscribe(Self.clinic, to: plan)
            try await database.ledger.subscriptions.evaluateDue()
            #expect(try await database.lines(Self.plans).first == "Bronze")
            #expect(try await database.lines(Self.attention).isEmpty)
        }
    }

    // MARK: Locks

    @Test func `a session that keeps a row is passed over, and nothing is noted`() async throws {
        try await withClinics { database in
            try await askBoth(database)
            try await database.owner.script(
                """
                INSERT INTO metering.subscription_fact (clinic_id, kind, at, reason, idempotency_key)
                SELECT clinic_id, 'payment_failed', now(), 'test', 'test' FROM clinics;
                UPDATE metering.standing SET next_at = now() - interval '1 hour';
                """)
            let status = "SELECT payment_status FROM clinic_subscriptions ORDER BY clinic_id"
            try await database.owner.transaction(retries: 0) { keeper in
                _ = try await keeper.query(
                    PostgresStatement(
                        "SELECT FROM clinic_subscriptions WHERE clinic_id = $1::text::uuid FOR UPDATE"
                    ),
                    [.text("\(Self.clinic)")])
                try await database.ledger.subscriptions.evaluateDue()
                #expect(try await database.lines(Self.plans) == ["Gold", "Silver"])
                #expect(try await database.lines(status) == ["active", "past_due"])
            }
            #expect(try await database.lines(Self.attention).isEmpty)
            try await database.ledger.subscriptions.evaluateDue()
            #expect(try await database.lines(Self.plans) == ["Silver", "Silver"])
            #expect(try await database.lines(status) == ["past_due", "past_due"])
        }
    }

    // MARK: Facts and terms

    @Test func `days of dunning that are edited count at once`() async throws {
        let terms =
            #"{"metering": {"dunning": {"suspend_after_days": 14, "minimum_dwell_hours": 0}}}"#
        try await withClinics(features: terms) { database in
            try await database.owner.script(
                """
                INSERT INTO metering.subscription_fact (clinic_id, kind, at, reason, idempotency_key)
                VALUES ('\(Self.clinic)', 'payment_failed', now() - interval '10 days', 'test', 'test');
                UPDATE metering.subscription_fact SET at = at - interval '40 days' WHERE kind = 'declared';
                """)
            try await database.ledger.subscriptions.evaluate(Self.clinic)
            let status = "SELECT status FROM metering.standing WHERE clinic_id = '\(Self.clinic)'"
            #expect(try await database.lines(status) == ["past_due"])
            #expect(try await database.ledger.subscriptions.evaluateDue() == 0)
            try await database.owner.script(
                """
                UPDATE subscription_plans SET features =
                    jsonb_set(features, '{metering,dunning,suspend_after_days}', '7');
                """)
            try await database.ledger.subscriptions.evaluateDue()
            #expect(try await database.lines(status) == ["suspended"])
        }
    }

    /// Suspended follows past due, except where an end is taken back: then it is what it was.
    @Test func `what comes back may come back suspended`() async throws {
        try await withClinics { database in
            for from in ["canceled", "expired"] {
                try await database.owner.script(
                    """
                    INSERT INTO metering.subscription_event (clinic_id, from_status, to_status, cause, at)
                    VALUES ('\(Self.clinic)', '\(from)', 'suspended', 'restored', now());
                    """)
            }
        }
    }

    // MARK: Rows that go

    @Test func `subscriptions that were truncated do not stand before those that came after`()
        async throws
    {
        try await TestDatabase.lend { database in
            // One more than are taken at once.
            try await database.makeClinics(201)
            let plan = try await database.makePlan("Gold")
            try await database.owner.script(
                """
                INSERT INTO clinic_subscriptions (clinic_id, plan_id, start_date, end_date, payment_status)
                SELECT clinic_id, \(plan), '2026-01-01', '2027-01-01', 'active' FROM clinics;
                TRUNCATE clinic_subscriptions;
                """)
            #expect(try await database.lines("SELECT status FROM metering.standing").isEmpty)
            // As a restore leaves it, or a session that ran without triggers.
            try await database.owner.script(
                """
                INSERT INTO metering.standing (clinic_id, status, since, cause, next_at)
                SELECT clinic_id, 'active', now(), 'declared', now() - interval '1 day' FROM clinics
                WHERE clinic_id <> '\(ClinicID.numbered(201))';
                """)
            try await database.subscribe(.numbered(201), to: plan)
            try await database.owner.script(
                """
                INSERT INTO metering.subscription_fact (clinic_id, kind, at, reason, idempotency_key)
                VALUES ('\(ClinicID.numbered(201))', 'payment_failed', now(), 'test', 'test');
                """)
            #expect(try await database.ledger.subscriptions.evaluateDue() == 1)
            #expect(
                try await database.lines("SELECT payment_status FROM clinic_subscriptions")
                    == ["past_due"])
        }
    }

    /// Both kinds of audit log: one whose lines may be without a clinic, and one whose may not.
    @Test(arguments: ["DROP NOT NULL", "SET NOT NULL"])
    func `a clinic can be deleted with all that we wrote about it`(rule: String) async throws {
        try await withClinics { database in
            try await askBoth(database)
            try await database.owner.script(
                """
                ALTER TABLE audit_logs ALTER COLUMN clinic_id \(rule);
                ALTER TABLE clinic_subscriptions DROP CONSTRAINT clinic_subscriptions_clinic_id_fkey,
                ADD FOREIGN KEY (clinic_id) REFERENCES clinics ON DELETE CASCADE;
                INSERT INTO metering.clinic_override (clinic_id, what, value, until, reason)
                VALUES ('\(Self.clinic)', 'quota', 5, now() + interval '1 day', 'test');
                DELETE FROM clinics WHERE clinic_id = '\(Self.clinic)';
                """)
            let lines = try await database.lines(
                "SELECT details ->> 'clinic_id' FROM audit_logs WHERE clinic_id IS NULL")
            #expect(lines.isEmpty == (rule == "SET NOT NULL"))
            #expect(lines.allSatisfy { $0 == "\(Self.clinic)" })
            try await database.ledger.subscriptions.evaluateDue()
            #expect(try await database.lines(Self.plans) == ["Silver"])
            #expect(
                try await database.lines(
                    "SELECT clinic_id::text FROM metering.standing") == ["\(Self.other)"])
            #expect(try await database.lines(Self.attention).isEmpty)
        }
    }
}
