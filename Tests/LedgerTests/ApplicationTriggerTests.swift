import DatabaseSupport
import LocalServers
import Postgres
import TestSupport
import Testing

@testable import Ledger

@Suite(.timed) struct `Triggers on the application's tables` {
    @Test func `are made again where they differ, and touched nowhere else`() async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            let before = try await TeamDatabase.triggers(team.superuser)
            let kept = try await team.triggerIDs(on: ["clinic_subscriptions", "api_usage"])
            try await team.owner.script(
                """
                DROP TRIGGER metering_count_insert ON patients;
                ALTER TABLE users DISABLE TRIGGER metering_count_update;
                CREATE OR REPLACE TRIGGER metering_config_version_update AFTER INSERT ON clinics
                    FOR EACH ROW EXECUTE FUNCTION metering.let_clinic_go();
                CREATE TRIGGER metering_of_old AFTER INSERT ON file_storage
                    FOR EACH ROW EXECUTE FUNCTION metering.let_clinic_go();
                """)
            let planned = try await team.migrator.survey().statements
            let done = try await team.migrator.apply()
            #expect(done.files == [] && done.functions == [])
            #expect(done.statements == planned)
            #expect(done.statements.count == 4)
            #expect(
                done.statements.contains(
                    "ALTER TABLE public.users ENABLE TRIGGER metering_count_update"))
            #expect(
                done.statements.contains("DROP TRIGGER metering_of_old ON public.file_storage"))
            #expect(try await TeamDatabase.triggers(team.superuser) == before)
            #expect(
                try await team.triggerIDs(on: ["clinic_subscriptions", "api_usage"]) == kept)
            #expect(try await team.migrator.apply().isEmpty)
        }
    }

    /// Both change the text that PostgreSQL answers for a trigger.
    @Test(arguments: ["search_path = metering, public", "quote_all_identifiers = on"])
    func `are compared whatever the login's settings are`(setting: String) async throws {
        try await TeamDatabase.lend { team in
            try await team.superuser.script("ALTER DATABASE \(team.name) SET \(setting)")
            let other = try team.pool(of: TeamDatabase.ownerLogin)
            let first = try await Migrator(pool: other).apply()
            #expect(first.files == MigrationFile.attaching)
            #expect(try await Migrator(pool: other).survey().statements == [])
            #expect(try await Migrator(pool: other).apply().isEmpty)
            await other.close()
        }
    }

    @Test(arguments: [
        "AFTER INSERT ON patients REFERENCING NEW TABLE AS rows FOR EACH STATEMENT",
        "AFTER INSERT ON patients REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (true)",
        "AFTER UPDATE ON patients REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT",
        "AFTER UPDATE OF name ON patients FOR EACH STATEMENT",
        "BEFORE INSERT ON patients FOR EACH ROW",
    ])
    func `are made again for every part of them that differs`(form: String) async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            let before = try await TeamDatabase.triggers(team.superuser)
            try await team.owner.script(
                """
                CREATE OR REPLACE TRIGGER metering_count_insert \(form)
                    EXECUTE FUNCTION metering.patients_changed();
                """)
            #expect(try await TeamDatabase.triggers(team.superuser) != before)
            #expect(try await team.migrator.apply().statements.count == 1)
            #expect(try await TeamDatabase.triggers(team.superuser) == before)
        }
    }

    /// PostgreSQL makes a row trigger for each partition; statement triggers are made for each.
    @Test func `are enabled on partitions, and dropped from former ones`() async throws {
        try await TeamDatabase.lend(rows: false) { team in
            try await team.owner.script(
                """
                DROP TABLE clinic_subscriptions;
                CREATE TABLE clinic_subscriptions (clinic_id uuid PRIMARY KEY, plan_id int,
                    start_date date, end_date date, payment_status varchar(20))
                    PARTITION BY HASH (clinic_id);
                CREATE TABLE subscriptions_0 PARTITION OF clinic_subscriptions
                    FOR VALUES WITH (MODULUS 2, REMAINDER 0);
                CREATE TABLE subscriptions_1 PARTITION OF clinic_subscriptions
                    FOR VALUES WITH (MODULUS 2, REMAINDER 1);
                CREATE INDEX ON clinic_subscriptions (plan_id);
                """)
            _ = try await team.migrator.apply()
            try await team.owner.script(
                """
                ALTER TABLE subscriptions_0 DISABLE TRIGGER metering_subscription_written;
                ALTER TABLE clinic_subscriptions DETACH PARTITION subscriptions_1;
                """)
            let worker = try team.pool(of: Login.worker)
            let named = try await Migrator(pool: worker).state().triggers
            await worker.close()
            #expect(named.first == "metering_subscription_written on public.subscriptions_0")
            #expect(named.count == 2 && named.last?.hasSuffix(" on public.subscriptions_1") == true)
            let done = try await team.migrator.apply().statements
            #expect(
                done.first
                    == "ALTER TABLE public.subscriptions_0 ENABLE TRIGGER "
                    + "metering_subscription_written")
            let left = try await team.superuser.ask(
                """
                SELECT FROM pg_trigger WHERE NOT tgisinternal AND (tgenabled = 'D'
                    OR tgrelid = 'subscriptions_1'::regclass)
                """)
            #expect(left.isEmpty)
            #expect(try await team.migrator.apply().isEmpty)
        }
    }

    @Test func `are named to the worker's login where they differ`() async throws {
        try await TestDatabase.lend { database in
            let migrator = Migrator(pool: database.worker)
            #expect(try await migrator.state().triggers == [])
            try await database.owner.script(
                """
                ALTER TABLE patients DISABLE TRIGGER metering_count_insert;
                DROP TRIGGER metering_count_delete ON patients;
                """)
            let state = try await migrator.state()
            let expected = "metering_count_delete, metering_count_insert on public.patients"
            #expect(state.triggers == [expected])
            #expect(state.pending == [] && state.isCurrent)
            _ = try await Migrator(pool: database.owner).apply()
            #expect(try await migrator.state().triggers == [])
        }
    }

    @Test func `of a table that the login does not own are refused with the statement that helps`()
        async throws
    {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            try await team.superuser.script(
                """
                ALTER TABLE patients OWNER TO postgres;
                ALTER TABLE patients DISABLE TRIGGER metering_count_insert;
                DROP TRIGGER metering_count_insert ON users;
                """)
            let expected = MigrationError.missingRight(
                """
                this role may not change metering_count_insert on public.patients: connect as its \
                owner, or GRANT postgres TO \(TeamDatabase.ownerLogin)
                """)
            await #expect(throws: expected) { try await team.migrator.survey() }
            await #expect(throws: expected) { try await team.migrator.apply() }
            let left = try await Migrator(pool: team.superuser).survey().statements
            #expect(left.count == 2)
        }
    }

    /// PostgreSQL fires BEFORE triggers in the order of their names; `metering_adopt_status` is one of them.
    @Test(arguments: ["a_team", "z_team"])
    func `adopt a status that a trigger of the team writes, before ours or after it`(
        name: String
    ) async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            let clinic = "md5('clinic 2')::uuid"
            try await team.owner.script(
                """
                CREATE FUNCTION write_status() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN NEW.payment_status := current_setting(''team.status''); RETURN NEW; END';
                CREATE TRIGGER \(name) BEFORE UPDATE ON clinic_subscriptions
                    FOR EACH ROW EXECUTE FUNCTION write_status();
                """)
            func write(_ status: String) async throws -> [String] {
                // No list of columns names payment_status: only the team's trigger writes it.
                try await team.owner.script(
                    """
                    SELECT set_config('team.status', '\(status)', false);
                    UPDATE clinic_subscriptions SET end_date = end_date + 1
                    WHERE clinic_id = \(clinic);
                    """)
                return try await team.superuser.ask(
                    """
                    SELECT concat_ws(' ', s.payment_status, coalesce(h.status, 'none'),
                        (SELECT f.status FROM metering.subscription_fact f
                         WHERE f.clinic_id = s.clinic_id ORDER BY f.fact_id DESC LIMIT 1),
                        (SELECT count(*) FROM metering.attention a WHERE a.clinic_id = s.clinic_id
                         AND a.kind = 'unknown_status' AND a.resolved_at IS NULL))
                    FROM clinic_subscriptions s
                    LEFT JOIN metering.standing h ON h.clinic_id = s.clinic_id
                    WHERE s.clinic_id = \(clinic)
                    """
                ).map { try $0.text(0) }
            }
            let isBefore = name < "metering_adopt_status"
            #expect(
                try await write("overdue")
                    == ["\(isBefore ? "past_due" : "overdue") past_due past_due 0"])
            #expect(try await write("frozen") == ["frozen none past_due 1"])
            #expect(
                try await write("blocked")
                    == ["\(isBefore ? "suspended" : "blocked") suspended suspended 0"])
        }
    }
}

extension TeamDatabase {
    fileprivate func triggerIDs(on tables: [String]) async throws -> [Int64] {
        try await superuser.ask(
            """
            SELECT t.oid::bigint AS id FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            WHERE c.relname = ANY ($1::text[]) AND NOT t.tgisinternal ORDER BY 1
            """, [.textArray(tables)]
        ).map { try $0.int64("id") }
    }
}
