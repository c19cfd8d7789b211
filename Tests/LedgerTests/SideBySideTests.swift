import Billing
import DatabaseSupport
import Metering
import Postgres
import TestSupport
import Testing

@testable import Ledger

/// Two sessions at one clinic: the second decides by what the first has committed, not by what it saw before it
/// waited.
@Suite(.timed) struct `Sessions side by side` {
    private static let clinic = ClinicID.numbered(1)

    // MARK: Units

    @Test func `give the same units back once`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let current = try await database.use(10, Self.clinic)
            let admin = try database.pool(of: Login.admin)
            try await database.owner.withConnection { other in
                try await other.script("BEGIN")
                _ = try await other.query(
                    SQL.usageMonthHold, [.month(current), .clinic(Self.clinic)])
                _ = try await other.query(
                    SQL.usageGiveBack,
                    [
                        .month(current), .clinic(Self.clinic), .int64(10), .text("refund:x"),
                        .text("test"), .bool(false),
                    ])
                let refund = Task {
                    try await Ledger(pool: admin).usage.refundQuota(
                        of: Self.clinic, units: 10, id: "one", reason: "test")
                }
                try await database.waitForBlocked()
                try await other.script("COMMIT")
                await #expect(throws: LedgerError.self) { try await refund.value }
            }
            let given = try await database.owner.ask(
                "SELECT sum(units)::bigint FROM metering.usage_adjustment")
            #expect(try given[0].int64(0) == -10)
            await admin.close()
        }
    }

    /// A transaction that began before midnight on the first may end after the month's roll-up.
    @Test func `roll a month up once more a day after its end`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let october = try month("2026-10")
            _ = try await database.ledger.usage.rollUp(october)
            try await database.owner.script(
                "UPDATE metering.usage_month SET rolled_up_at = '2026-11-01 00:00:05+00'")
            #expect(try await database.ledger.usage.rollUpDue().map(\.month) == [october])
            #expect(try await database.ledger.usage.rollUpDue().isEmpty)
            // The storage of its end was written late: the roll-up of the day after brings it in.
            try await database.owner.script(
                """
                UPDATE metering.usage_month SET rolled_up_at = '2026-11-01 00:00:05+00';
                INSERT INTO metering.storage_month (clinic_id, month, bytes, peak)
                SELECT clinic_id, '2026-10-01', 70, 70 FROM clinics
                """)
            _ = try await database.ledger.usage.rollUpDue()
            let stored = try await database.owner.ask("SELECT storage_used FROM api_usage")
            #expect(try stored.map { try $0.int64(0) } == [70])
        }
    }

    @Test func `keep the storage that the application counts while a roll-up waits for it`()
        async throws
    {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let current = try await database.use(6, Self.clinic)
            try await database.owner.ask(
                "INSERT INTO api_usage VALUES ($1::text::uuid, $2::date, 0, 1000)",
                [.text("\(Self.clinic)"), .month(current)])
            try await database.owner.withConnection { application in
                try await application.script(
                    "BEGIN; UPDATE api_usage SET storage_used = storage_used + 5000")
                async let rollup = database.ledger.usage.rollUp(current)
                try await database.waitForBlocked()
                try await application.script("COMMIT")
                #expect(try await rollup.written == 1)
            }
            #expect(try await database.ledger.usage.rollUp(current).written == 0)
            let row = try await database.owner.ask("SELECT api_calls, storage_used FROM api_usage")
            #expect(try row[0].int64(0) == 6 && row[0].int64(1) == 6_000)
        }
    }

    @Test func `leave no row that differs for ever where the storage is not known`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let current = try await database.use(6, Self.clinic)
            try await database.owner.script(
                "ALTER TABLE api_usage ALTER COLUMN storage_used DROP NOT NULL")
            try await database.owner.ask(
                "INSERT INTO api_usage VALUES ($1::text::uuid, $2::date, 0, NULL)",
                [.text("\(Self.clinic)"), .month(current)])
            #expect(try await database.ledger.usage.rollUp(current).written == 1)
            #expect(try await database.ledger.usage.rollUp(current).written == 0)
        }
    }

    /// The first roll-up of a clinic takes over what the application counted, whichever month it is of.
    @Test func `take a clinic over once, also from two months`() async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            try await team.lendLedger { ledger in
                let current = try await ledger.usage.currentMonth()
                _ = try await team.count(in: ledger, [2: 1])
                try await team.superuser.withConnection { other in
                    try await other.script(
                        """
                        BEGIN;
                        INSERT INTO metering.usage_adjustment
                            (month, clinic_id, units, reason, idempotency_key)
                        SELECT date_trunc('month', now())::date + interval '1 month', id, 0, 'test',
                            'import:last:' || id FROM md5('clinic 2') AS text, CAST(text AS uuid) AS id
                        """)
                    async let rollup = ledger.usage.rollUp(current)
                    try await team.superuser.waitForBlocked()
                    try await other.script("COMMIT")
                    #expect(try await rollup.tooLarge == 0)
                }
            }
        }
    }

    // MARK: Plans and standings

    @Test func `move a clinic down with the next month, though it came up a moment ago`()
        async throws
    {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            var plans: [Int64] = []
            for (name, quota) in [("Basic", 100), ("Standard", 500), ("Pro", 1_000)] {
                plans.append(
                    try await database.makePlan(
                        name, features: #"{"metering":{"quota":{"api_calls":\#(quota)}}}"#))
            }
            try await database.subscribe(Self.clinic, to: plans[0])
            try await database.ledger.subscriptions.evaluateDue()
            let admin = try database.pool(of: Login.admin)
            try await database.owner.withConnection { other in
                try await other.script(
                    """
                    BEGIN; SELECT metering.lock_standing('\(Self.clinic)');
                    UPDATE clinic_subscriptions SET plan_id = \(plans[2])
                    """)
                async let move = Ledger(pool: admin).plans.move(
                    Self.clinic, to: "Standard", reason: "test")
                try await database.waitForBlocked()
                try await other.script("COMMIT")
                let answer = try await move
                #expect(answer.from == "Pro" && !answer.isAtOnce)
            }
            await admin.close()
        }
    }

    /// A plan's edit reaches all its clinics, among them one whose status is written meanwhile.
    @Test func `edit a plan and write a status without a deadlock`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(2)
            let plan = try await database.makePlan("Gold")
            for number in 1...2 { try await database.subscribe(.numbered(number), to: plan) }
            try await database.ledger.subscriptions.evaluateDue()
            try await database.owner.script("UPDATE metering.standing SET unpaid_since = now()")
            try await database.owner.withConnection { holder in
                try await holder.script(
                    """
                    BEGIN; SELECT FROM metering.clinic_terms
                    WHERE clinic_id = '\(ClinicID.numbered(2))' FOR UPDATE
                    """)
                async let edit: Void = database.owner.script(
                    "UPDATE subscription_plans SET max_users = 20")
                try await database.waitForBlocked()
                async let status: Void = database.owner.script(
                    """
                    UPDATE clinic_subscriptions SET payment_status = 'past_due'
                    WHERE clinic_id = '\(Self.clinic)'
                    """)
                try await database.waitForBlocked(2)
                try await holder.script("COMMIT")
                try await edit
                try await status
            }
            let written = try await database.owner.ask(
                """
                SELECT payment_status || ' ' || max_users FROM clinic_subscriptions
                JOIN subscription_plans USING (plan_id) WHERE clinic_id = $1::text::uuid
                """, [.text("\(Self.clinic)")])
            #expect(try written[0].text(0) == "past_due 20")
        }
    }

    @Test func `tell a clinic that moves to a plan what is refused of it meanwhile`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let old = try await database.makePlan("Gold")
            let new = try await database.makePlan("Silver")
            try await database.subscribe(Self.clinic, to: old)
            let before = try await database.configVersion(Self.clinic)
            try await database.owner.withConnection { other in
                try await other.script("BEGIN; UPDATE clinic_subscriptions SET plan_id = \(new)")
                async let refused = database.worker.ask(
                    "SELECT metering.refuse_plan_version(\(new), 1, 'not read here', 1)")
                try await database.waitForBlocked()
                try await other.script("COMMIT")
                #expect(try await refused[0].bool(0))
            }
            #expect(try await database.configVersion(Self.clinic) == before + 2)
        }
    }

    // MARK: Migrations

    /// The rewrite waits where a roll-up begins too: at the buckets. It has not locked the table by then.
    @Test func `widen api_usage behind a roll-up without stopping it`() async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            try await team.lendLedger { ledger in
                let current = try await ledger.usage.currentMonth()
                _ = try await team.count(in: ledger, [16: 1_000])
                #expect(try await ledger.usage.rollUp(current).tooLarge == 1)
                try await team.superuser.withConnection { rollup in
                    try await rollup.script(
                        "BEGIN; SELECT FROM metering.usage_month ORDER BY month, bucket FOR UPDATE")
                    async let widened = team.migrator.run(.wideUsage)
                    try await team.superuser.waitForBlocked()
                    let locked = try await rollup.query(
                        PostgresStatement(
                            """
                            SELECT count(*) FROM pg_locks WHERE relation = 'api_usage'::regclass
                            AND mode = 'AccessExclusiveLock'
                            """), [])
                    #expect(try locked[0].int64(0) == 0)
                    try await rollup.script("UPDATE api_usage SET api_calls = api_calls; COMMIT")
                    #expect(try await widened.count == 1)
                }
                #expect(try await ledger.usage.rollUpDue().map(\.written) == [1])
            }
        }
    }
}

extension TestDatabase {
    /// Counts units of a clinic in the running month, which it answers.
    fileprivate func use(_ units: Int64, _ clinic: ClinicID) async throws -> Month {
        let current = try await ledger.usage.currentMonth()
        _ = try await ledger.usage.checkpoint([
            UsageCheckpoint(
                month: current, clinic: clinic, epoch: Epoch(rawValue: 1), used: units, credited: 0,
                observedAt: current.start)
        ])
        return current
    }

    fileprivate func configVersion(_ clinic: ClinicID) async throws -> Int64 {
        try await owner.ask(
            "SELECT config_version FROM metering.clinic_terms WHERE clinic_id = $1::text::uuid",
            [.text("\(clinic)")])[0].int64(0)
    }
}
