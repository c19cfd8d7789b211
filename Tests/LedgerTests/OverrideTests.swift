import DatabaseSupport
import Ledger
import LocalServers
import Metering
import Postgres
import Quotas
import TestSupport
import Testing

@Suite(.timed) struct `An override` {
    private static let gold = """
        {"metering": {"quota": {"api_calls": 100}, "limits":
         {"default": {"rate": 10, "per": "1s", "sustained": {"rate": 100, "per": "1m"}}}}}
        """

    @Test func `goes before the plan's quota and limits, and no further`() async throws {
        try await TestDatabase.lend { database in
            try await database.seed(Self.gold)
            let admin = try database.pool(of: Login.admin)
            let ledger = Ledger(pool: admin)
            let later = try await ledger.operations.databaseTime() + 400 * 86_400_000_000
            for (what, value) in [
                ("quota", "5000"), ("limit:default.sustained", "7/1m"), ("limit:export", "1/1d"),
            ] {
                _ = try await ledger.plans.setOverride(
                    ClinicOverride(text: what, value), of: .numbered(1), until: later, reason: "x")
            }
            let settings = try #require(await database.settings(1))
            #expect(settings.quota == 5_000 && settings.nextQuota == 5_000)
            #expect(settings.plan?.rateLimits.map(\.burst) == [10, 7])
            #expect(settings.plan?.limits.map(\.name) == ["default"])
            #expect(try await database.settings(2)?.quota == 100)
            #expect(
                try await ledger.plans.overrides(of: .numbered(1)).map(\.override.what.description)
                    == ["limit:default.sustained", "limit:export", "quota"])
            await admin.close()
        }
    }

    @Test func `puts a limit and the quota in shadow, or takes them out`() async throws {
        try await TestDatabase.lend { database in
            try await database.seed(
                """
                {"metering": {"quota": {"api_calls": 100, "shadow": true}, "limits":
                 {"default": {"rate": 10, "per": "1s"},
                  "export": {"rate": 10, "per": "1s", "shadow": true}}}}
                """)
            #expect(
                try await database.settings(1)?.plan?.limits.map(\.isInShadow) == [false, true])
            #expect(try await database.settings(1)?.plan?.isQuotaInShadow == true)
            let admin = try database.pool(of: Login.admin)
            let ledger = Ledger(pool: admin)
            let later = try await ledger.operations.databaseTime() + 86_400_000_000
            for (what, value) in [
                ("shadow:limit:default", "on"), ("shadow:limit:export", "off"),
                ("shadow:quota", "off"),
            ] {
                _ = try await ledger.plans.setOverride(
                    ClinicOverride(text: what, value), of: .numbered(1), until: later, reason: "x")
            }
            let plan = try #require(await database.settings(1)?.plan)
            #expect(plan.limits.map(\.isInShadow) == [true, false] && !plan.isQuotaInShadow)
            #expect(try await database.settings(2)?.plan?.isQuotaInShadow == true)
            #expect(
                try await ledger.plans.overrides(of: .numbered(1)).map(\.override.value.description)
                    == ["on", "off", "off"])
            await admin.close()
        }
    }

    @Test func `of the quota that ends this month leaves the next one to the plan`() async throws {
        try await TestDatabase.lend { database in
            try await database.seed(Self.gold)
            let now = try await database.ledger.operations.databaseTime()
            try await database.override(1, "quota", 5_000, until: now + 60_000_000)
            let month = try #require(Month(containing: now))
            let settings = try #require(await database.settings(1))
            #expect(settings.quota == 5_000)
            #expect(settings.nextQuota == (now + 60_000_000 > month.end ? 5_000 : 100))
        }
    }

    @Test func `ends by the clock, and each clinic is reported once`() async throws {
        try await TestDatabase.lend { database in
            try await database.seed(Self.gold)
            let now = try await database.ledger.operations.databaseTime()
            try await database.override(1, "quota", 5_000, until: now + 3_600_000_000)
            try await database.override(1, "users", 99, until: now + 3_600_000_000)
            #expect(try await database.ledger.plans.endOverdueOverrides() == 0)
            let before = try await database.version(1)
            try await database.owner.script(
                "UPDATE metering.clinic_override SET created_at = now() - interval '2 h', until = now()"
            )
            // Nobody has acted yet, and neither the check nor the database lets it count.
            #expect(try await database.settings(1)?.quota == 100)
            #expect(
                try await database.owner.ask(
                    "SELECT metering.plan_limit($1::text::uuid, 'users')",
                    [.text("\(ClinicID.numbered(1))")])[0].int64(0) == 10)
            let ended = try await withThrowingTaskGroup(of: Int64.self) { group in
                for _ in 0..<4 {
                    group.addTask { try await database.ledger.plans.endOverdueOverrides() }
                }
                return try await group.reduce(0, +)
            }
            #expect(ended == 2)
            #expect(try await database.version(1) > before)
            #expect(try await database.ledger.plans.endOverdueOverrides() == 0)
            let told = try await database.owner.ask(
                "SELECT count(*) FROM audit_logs WHERE action = 'override_over'")
            #expect(try told[0].int64(0) == 2)
        }
    }

    @Test func `is refused when it ends before it begins, or says not why`() async throws {
        try await TestDatabase.lend { database in
            try await database.seed(Self.gold)
            let users = try ClinicOverride(text: "users", "1")
            let admin = try database.pool(of: Login.admin)
            let ledger = Ledger(pool: admin)
            let now = try await ledger.operations.databaseTime()
            await #expect(throws: LedgerError.self) {
                try await ledger.plans.setOverride(
                    users, of: .numbered(1), until: now - 1, reason: "x")
            }
            for reason in ["", String(repeating: "x", count: 501), "a\0b"] {
                await #expect(throws: LedgerError.self) {
                    try await ledger.plans.setOverride(
                        users, of: .numbered(1), until: now + 9_000_000, reason: reason)
                }
            }
            await admin.close()
        }
    }

    /// The audit log of a team that keeps it by row security takes the row of the right clinic.
    @Test func `is audited under the clinic's own policy, and the caller's setting stays`()
        async throws
    {
        try await TestDatabase.lend { database in
            try await database.seed(Self.gold)
            try await database.owner.script("ALTER TABLE audit_logs FORCE ROW LEVEL SECURITY")
            try await database.owner.script(
                """
                CREATE POLICY team ON audit_logs USING
                (clinic_id = nullif(current_setting('app.current_clinic_id', true), '')::uuid)
                """)
            let admin = try database.pool(of: Login.admin)
            try await admin.withConnection { connection in
                try await connection.script(
                    """
                    BEGIN;
                    SET LOCAL app.current_clinic_id = '\(ClinicID.numbered(2))';
                    INSERT INTO metering.clinic_override (clinic_id, what, value, until, reason)
                    VALUES ('\(ClinicID.numbered(1))', 'users', 3, now() + interval '1 h', 'x');
                    """)
                let kept = try await connection.query(
                    PostgresStatement("SELECT current_setting('app.current_clinic_id')"))
                #expect(try kept[0].text(0) == "\(ClinicID.numbered(2))")
                try await connection.script("COMMIT")
            }
            await admin.close()
            let rows = try await database.owner.ask(
                "SELECT clinic_id::text FROM audit_logs WHERE action LIKE 'override%'")
            #expect(try rows.map { try $0.text(0) } == ["\(ClinicID.numbered(1))"])
        }
    }

    /// Every worker asks for it each second, so one clinic's line must not keep the others waiting.
    @Test func `ends by the clock although the audit log refuses its line, and others with it`()
        async throws
    {
        try await TestDatabase.lend { database in
            try await database.seed(Self.gold)
            let now = try await database.ledger.operations.databaseTime()
            for clinic in 1...2 {
                try await database.override(clinic, "quota", 5_000, until: now + 86_400_000_000)
            }
            try await database.owner.script(
                """
                CREATE FUNCTION public.stop_it() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'P0001'; END $$;
                CREATE TRIGGER stop_it BEFORE INSERT ON audit_logs FOR EACH ROW
                WHEN (NEW.clinic_id = '\(ClinicID.numbered(1))') EXECUTE FUNCTION public.stop_it();
                """)
            try await database.owner.script(
                """
                ALTER TABLE metering.clinic_override DISABLE TRIGGER USER;
                UPDATE metering.clinic_override SET created_at = now() - interval '2 days',
                    until = now() - interval '1 day';
                ALTER TABLE metering.clinic_override ENABLE TRIGGER USER;
                """)
            #expect(try await database.ledger.plans.endOverdueOverrides() == 2)
            let audited = try await database.owner.ask(
                "SELECT clinic_id::text FROM audit_logs WHERE action = 'override_over'")
            #expect(try audited.map { try $0.text(0) } == ["\(ClinicID.numbered(2))"])
            let noted = try await database.owner.ask(
                "SELECT kind || ' ' || clinic_id FROM metering.attention")
            #expect(try noted.map { try $0.text(0) } == ["audit_refused \(ClinicID.numbered(1))"])
            // What a person does is still refused together with its line.
            await #expect(throws: PostgresError.self) {
                try await database.override(1, "quota", 5_000, until: now + 86_400_000_000)
            }
        }
    }

    @Test(arguments: [
        ("quota", "2000000", "2000000"), ("storage", "unlimited", "unlimited"),
        ("limit:default", "40/1s", "40/1s"), ("limit:default", "40/1s/40", "40/1s"),
        ("limit:x-1.sustained", "600/60s/10", "600/1m/10"),
        ("limit:x", "1/1500ms/2", "1/1500ms/2"), ("shadow:quota", "on", "on"),
        ("shadow:limit:x-1", "off", "off"),
    ])
    func `is written as people read it`(what: String, value: String, again: String) throws {
        let override = try ClinicOverride(text: what, value)
        #expect("\(override.what)" == what && "\(override.value)" == again)
    }
}

extension ClinicOverride {
    fileprivate init(text what: String, _ value: String) throws {
        guard let what = What(what), let value = Value(value),
            let both = ClinicOverride(what, value)
        else { throw TestFailure("\(what) \(value) is an override") }
        self = both
    }
}

extension TestDatabase {
    fileprivate func seed(_ features: String) async throws {
        try await makeClinics(2)
        let plan = try await makePlan("Gold", features: features)
        for clinic in 1...2 { try await subscribe(.numbered(clinic), to: plan) }
    }

    fileprivate func override(
        _ clinic: Int, _ what: String, _ value: Int64, until: Int64
    ) async throws {
        try await owner.ask(
            """
            INSERT INTO metering.clinic_override (clinic_id, what, value, until, reason)
            VALUES ($1::text::uuid, $2, $3, $4, 'test')
            """,
            [.text("\(ClinicID.numbered(clinic))"), .text(what), .int64(value), .timestamp(until)])
    }

    fileprivate func version(_ clinic: Int) async throws -> Int64 {
        try await ledger.clinics.storedTerms(
            of: .numbered(clinic), at: ledger.operations.databaseTime())?.version
            ?? 0
    }
}
