import Billing
import DatabaseSupport
import Ledger
import Metering
import Postgres
import TestSupport
import Testing
import Values

/// The standing as the database keeps it: facts in, one event, one audit row and one message a move.
@Suite(.timed) struct `A stored standing` {
    static let clinic = ClinicID.numbered(1)

    /// So many days after 2025-01-01.
    static func day(_ day: Int64) -> UTCTime {
        UTCTime(startOf: CivilDate(daysSince1970: 20_089 + day)) ?? .first
    }

    @Test func `follows a scripted year of one clinic`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            for (name, users) in [("Solo", 2), ("Practice", 25)] {
                try await database.owner.script(
                    """
                    INSERT INTO subscription_plans (name, max_users, max_patients, features)
                    VALUES ('\(name)', \(users), 100, '{"metering": {"dunning": {"trial_days": 14}}}')
                    """)
            }
            let pool = try database.pool(of: Login.admin)
            let admin = Ledger(pool: pool)
            func tell(_ kind: SubscriptionFact.Kind, on day: Int64) async throws {
                let entry = FactEntry(kind, reason: "day \(day)", key: "day \(day)")
                _ = try await admin.subscriptions.record(entry, of: Self.clinic, at: Self.day(day))
            }
            /// The worker looks every day.
            func live(to last: Int64, from first: Int64) async throws {
                for day in first...last {
                    try await database.ledger.subscriptions.evaluate(Self.clinic, at: Self.day(day))
                }
            }
            _ = try await admin.subscriptions.subscribe(
                Self.clinic,
                NewSubscription(
                    plan: "Solo", firstDay: 20_089, lastDay: 20_453, renews: true),
                reason: "signed", key: "signed", at: Self.day(0))
            try await tell(.paid(invoice: nil), on: 10)
            try await tell(.paymentFailed(invoice: nil), on: 40)
            try await live(to: 60, from: 41)
            try await tell(.paid(invoice: nil), on: 61)
            let upgrade = try await admin.plans.move(
                Self.clinic, to: "Practice", reason: "grew")
            #expect(upgrade.isAtOnce && !upgrade.comparison.isDowngrade)
            let downgrade = try await admin.plans.move(
                Self.clinic, to: "Solo", reason: "shrank")
            #expect(!downgrade.isAtOnce && downgrade.comparison.isDowngrade)
            #expect(try await admin.plans.waitingMove(of: Self.clinic)?.plan == "Solo")
            try await database.owner.script("UPDATE metering.plan_change SET effective_at = now()")
            #expect(try await database.ledger.subscriptions.evaluateDue() >= 1)
            try await tell(.canceled(effective: Self.day(364)), on: 330)
            try await live(to: 365, from: 331)
            await pool.close()

            let table = [
                // event, from, to, cause, day
                "1 none trialing subscribed 2025-01-01",
                "2 trialing active paid 2025-01-11",
                "3 active past_due unpaid 2025-02-10",
                "4 past_due suspended grace_ended 2025-02-24",
                "5 suspended active paid 2025-03-03",
                "6 active canceled canceled 2025-12-31",
            ]
            let moves = try await database.ledger.subscriptions.moves(of: Self.clinic).reversed()
                .map {
                    "\($0.event) \($0.from ?? "none") \($0.to) \($0.cause) \($0.at.date)"
                }
            #expect(moves == table)
            #expect(try await database.lines(Self.audited) == table)
            #expect(
                try await database.lines(Self.messages) == [
                    "standing_changed trialing", "standing_changed active",
                    "standing_changed past_due", "dunning_notice 1", "dunning_notice 3",
                    "dunning_notice 7", "dunning_notice 12", "standing_changed suspended",
                    "standing_changed active", "plan_changed Practice", "plan_changed Solo",
                    "standing_changed canceled",
                ])
            #expect(
                try await database.lines(Self.otherAudit) == [
                    "subscribed", "paid", "payment_failed", "paid", "plan_change_requested",
                    "plan_changed", "plan_change_requested", "plan_changed", "canceled",
                ])
            #expect(
                try await database.lines(
                    "SELECT payment_status || ' ' || name FROM clinic_subscriptions"
                        + " JOIN subscription_plans USING (plan_id)") == ["canceled Solo"])
        }
    }

    private static let audited = """
        SELECT concat_ws(' ', entity_id, coalesce(details ->> 'from', 'none'), details ->> 'to',
            details ->> 'cause', left(details ->> 'at', 10))
        FROM audit_logs WHERE entity_type = 'subscription_event' ORDER BY id
        """
    private static let otherAudit = """
        SELECT action FROM audit_logs WHERE entity_type <> 'subscription_event' ORDER BY id
        """
    private static let messages = """
        SELECT concat_ws(' ', kind, payload ->> 'to', payload ->> 'day', name) FROM metering.outbox
        LEFT JOIN subscription_plans ON plan_id = (payload ->> 'to_plan')::int ORDER BY id
        """

    @Test func `takes a value that the application wrote as a fact`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let plan = try await database.makePlan("Gold")
            try await database.subscribe(Self.clinic, to: plan, status: "trial")
            try await database.owner.script(
                """
                UPDATE clinic_subscriptions SET payment_status = 'Overdue';
                UPDATE clinic_subscriptions SET payment_status = 'past_due';
                UPDATE clinic_subscriptions SET payment_status = 'blocked';
                """)
            try await database.ledger.subscriptions.evaluateDue()
            #expect(
                try await database.lines(
                    "SELECT concat_ws(' ', kind, status) FROM metering.subscription_fact ORDER BY 1"
                )
                    == ["declared past_due", "declared suspended", "declared trialing"])
            #expect(
                try await database.lines(Self.audited).map { $0.split(separator: " ")[1...3] } == [
                    ["none", "trialing", "declared"], ["trialing", "past_due", "declared"],
                    ["past_due", "suspended", "declared"],
                ])
            let pool = try database.pool(of: Login.admin)
            let told = try await Ledger(pool: pool).subscriptions.record(
                FactEntry(.paid(invoice: nil), reason: "paid", key: "1"), of: Self.clinic)
            await pool.close()
            #expect(told.change.after.status == .active && told.change.after.cause == .paid)
            #expect(
                try await database.lines("SELECT payment_status FROM clinic_subscriptions")
                    == ["active"])
        }
    }

    @Test func `is written once, however often a fact is recorded`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            try await database.subscribe(Self.clinic, to: try await database.makePlan("Gold"))
            let pool = try database.pool(of: Login.admin)
            let admin = Ledger(pool: pool)
            let entry = FactEntry(.paymentFailed(invoice: "7"), reason: "card", key: "evt_7")
            let outcomes = try await withThrowingTaskGroup { group in
                for _ in 0..<8 {
                    group.addTask {
                        try await admin.subscriptions.record(entry, of: Self.clinic).isNew
                    }
                }
                return try await group.reduce(into: [Bool]()) { $0.append($1) }
            }
            #expect(outcomes.count { $0 } == 1)
            #expect(
                try await database.lines(
                    "SELECT to_status FROM metering.subscription_event ORDER BY event_id")
                    == ["active", "past_due"])
            let other = FactEntry(.paid(invoice: "7"), reason: "card", key: "evt_7")
            await #expect(
                throws: LedgerError.refused(
                    "this idempotency key was used for another fact: Use a new key for a new fact."
                )
            ) { try await admin.subscriptions.record(other, of: Self.clinic) }
            let ahead = FactEntry(.paid(invoice: "7"), at: .last, reason: "r", key: "k")
            await #expect(throws: LedgerError.self) {
                try await admin.subscriptions.record(ahead, of: Self.clinic)
            }
            await pool.close()
        }
    }

    /// An evaluation and the team's own UPDATE lock in the same order.
    @Test func `does not deadlock with the statements of the team`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            try await database.subscribe(Self.clinic, to: try await database.makePlan("Gold"))
            let words = ["active", "past_due", "suspended", "paused"]
            try await withThrowingTaskGroup { group in
                for number in 0..<6 {
                    group.addTask {
                        for turn in 0..<20 {
                            if number.isMultiple(of: 2) {
                                try await database.ledger.subscriptions.evaluate(Self.clinic)
                            } else {
                                try await database.owner.script(
                                    "UPDATE clinic_subscriptions SET payment_status = "
                                        + "'\(words[(turn + number) % 4])'")
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            // The word in the table, the standing and the last event say the same.
            #expect(
                try await database.lines(
                    """
                    SELECT DISTINCT x FROM (
                        SELECT payment_status AS x FROM clinic_subscriptions UNION ALL
                        SELECT status FROM metering.standing UNION ALL
                        (SELECT to_status FROM metering.subscription_event ORDER BY event_id DESC LIMIT 1)
                    ) AS said
                    """
                ).count == 1)
            // Each move begins where the one before it ended.
            #expect(
                try await database.lines(
                    """
                    SELECT event_id::text FROM (SELECT event_id, from_status, lag(to_status)
                        OVER (ORDER BY event_id) AS before FROM metering.subscription_event) AS e
                    WHERE before IS DISTINCT FROM from_status
                    """
                ).isEmpty)
        }
    }

    @Test func `moves only as the table of moves has it`() async throws {
        try await TestDatabase.lend { database in
            var refused: [String] = []
            for from in PaymentStatus.allCases {
                for to in PaymentStatus.allCases {
                    do {
                        try await database.owner.script(
                            """
                            INSERT INTO metering.subscription_event
                                (clinic_id, from_status, to_status, cause, at)
                            VALUES ('\(Self.clinic)', '\(from.rawValue)', '\(to.rawValue)', 'paid', now())
                            """)
                    } catch PostgresError.server(let error) {
                        #expect(error.constraint == "subscription_event_moves")
                        refused.append("\(from.rawValue) \(to.rawValue)")
                    }
                }
            }
            let all = PaymentStatus.allCases
            let same = all.map { "\($0.rawValue) \($0.rawValue)" }
            let jumps = all.filter { ![.pastDue, .suspended].contains($0) }
                .map { "\($0.rawValue) suspended" }
            #expect(Set(refused) == Set(same + jumps))
        }
    }

    @Test func `of one clinic that fails holds up no other`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(2)
            let plan = try await database.makePlan("Gold")
            for number in 1...2 { try await database.subscribe(.numbered(number), to: plan) }
            try await database.owner.script(
                """
                INSERT INTO metering.subscription_fact (clinic_id, kind, at, reason, idempotency_key)
                SELECT clinic_id, 'payment_failed', now(), 'test', 'test' FROM clinics;
                UPDATE metering.standing SET next_at = now() - interval '1 hour';
                CREATE FUNCTION public.stop_it() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'P0001'; END $$;
                CREATE TRIGGER stop_it BEFORE UPDATE ON clinic_subscriptions FOR EACH ROW
                WHEN (OLD.clinic_id = '\(Self.clinic)') EXECUTE FUNCTION public.stop_it();
                """)
            #expect(try await database.ledger.subscriptions.evaluateDue() == 1)
            #expect(
                try await database.lines(
                    "SELECT payment_status FROM clinic_subscriptions ORDER BY clinic_id")
                    == ["active", "past_due"])
            #expect(
                try await database.lines("SELECT kind FROM metering.attention")
                    == ["standing_failed"])
            #expect(try await database.ledger.subscriptions.evaluateDue() == 0)
        }
    }

    @Test func `goes on although the audit log refuses a row, and says so`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            try await database.owner.script(
                "ALTER TABLE audit_logs ADD COLUMN needed text NOT NULL")
            try await database.subscribe(Self.clinic, to: try await database.makePlan("Gold"))
            #expect(
                try await database.lines("SELECT kind || times FROM metering.attention")
                    == ["audit_refused1"])
            #expect(
                try await database.lines("SELECT status FROM metering.standing") == ["active"])
        }
    }

    @Test func `ends with the subscription's row, and starts again with another`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let plan = try await database.makePlan("Gold")
            try await database.subscribe(Self.clinic, to: plan, status: "canceled")
            try await database.owner.script("DELETE FROM clinic_subscriptions")
            #expect(try await database.lines("SELECT status FROM metering.standing").isEmpty)
            try await database.subscribe(Self.clinic, to: plan)
            try await database.ledger.subscriptions.evaluateDue()
            #expect(
                try await database.lines("SELECT status FROM metering.standing") == ["active"])
        }
    }

    @Test func `expires at an end date only when nothing renews it`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(2)
            let plan = try await database.makePlan("Gold")
            for number in 1...2 { try await database.subscribe(.numbered(number), to: plan) }
            try await database.owner.script(
                """
                UPDATE clinic_subscriptions SET end_date = '2026-02-01',
                    auto_renew = clinic_id <> '\(Self.clinic)'
                """)
            try await database.ledger.subscriptions.evaluateDue()
            #expect(
                try await database.lines(
                    "SELECT payment_status FROM clinic_subscriptions ORDER BY clinic_id")
                    == ["expired", "active"])
            try await database.owner.script(
                "UPDATE clinic_subscriptions SET end_date = '2126-02-01'")
            try await database.ledger.subscriptions.evaluateDue()
            #expect(
                try await database.lines(
                    "SELECT cause FROM metering.subscription_event ORDER BY event_id DESC LIMIT 1")
                    == ["restored"])
        }
    }
}

extension TestDatabase {
    /// The first column as text.
    func lines(_ statement: String) async throws -> [String] {
        try await owner.ask(statement).map { try $0.text(0) }
    }
}
