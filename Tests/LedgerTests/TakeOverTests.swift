import DatabaseSupport
import LocalServers
import Postgres
import TestSupport
import Testing

@testable import Ledger

@Suite(.timed) struct `What triggers missed` {
    /// The triggers of one schema are off while rows of every table behind them change.
    @Test(arguments: ["public", "metering"])
    func `is redone by migrate, as if they had been on`(schema: String) async throws {
        try await TeamDatabase.lend { on in
            try await TeamDatabase.lend { off in
                for team in [on, off] {
                    _ = try await team.migrator.apply()
                    try await team.superuser.script(Self.before)
                }
                let versions = try await off.configVersions()
                try await off.disableTriggers(in: schema)
                for team in [on, off] { try await team.superuser.script(Self.changes) }
                let (expected, missed) = (try await on.metering(), try await off.metering())
                #expect(missed != expected)

                let done = try await off.migrator.apply()
                #expect(done.files == [] && done.functions == [])
                let found = try await off.metering()
                for table in expected.keys.sorted() {
                    #expect(found[table] == expected[table], "\(table)")
                }
                #expect(Set(found.keys) == Set(expected.keys))
                #expect(try await off.migrator.apply().isEmpty)

                // Workers load the terms of each clinic that may have changed.
                let raised = try await off.configVersions()
                for clinic in schema == "public" ? ["clinic 2", "clinic 7"] : ["clinic 9"] {
                    let (old, new) = (try #require(versions[clinic]), try #require(raised[clinic]))
                    #expect(new > old, "\(clinic)")
                }
            }
        }
    }

    @Test func `and cannot be redone is said by migrate, and stays a finding`() async throws {
        try await TeamDatabase.lend { team in
            let first = try await team.migrator.apply()
            #expect(first.lost == [])
            try await team.owner.script("ALTER TABLE clinic_subscriptions DISABLE TRIGGER USER")
            let lost = try await team.migrator.apply().lost
            #expect(lost.count == 1)
            let findings = try await team.superuser.ask(
                """
                SELECT subject || ': ' || detail FROM metering.attention
                WHERE kind = 'triggers_missed' AND resolved_at IS NULL
                """
            ).map { try $0.text(0) }
            #expect(findings == lost.map { "terms: \($0)" })
        }
    }

    @Test func `does not begin the usage of before again`() async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            let before = try await team.metering()
            try await team.owner.script(
                """
                ALTER TABLE api_usage DISABLE TRIGGER USER;
                UPDATE api_usage SET api_calls = 1 + coalesce(api_calls, 0);
                """)
            #expect(try await team.migrator.apply().statements.count == 1)
            #expect(try await team.metering() == before)
        }
    }

    @Test func `is redone with a trigger that was lost with its function`() async throws {
        try await TestDatabase.lend { database in
            let migrator = Migrator(pool: database.owner)
            let before = try await Self.triggers(database.owner)
            #expect(before.count == 8)
            try await database.owner.script(
                """
                DROP FUNCTION metering.note_storage() CASCADE;
                DROP FUNCTION metering.override_changed() CASCADE;
                ALTER TABLE metering.api_key DISABLE TRIGGER notify_keys;
                CREATE OR REPLACE TRIGGER plan_change_settled AFTER UPDATE OF done_at
                    ON metering.plan_change FOR EACH ROW WHEN (NEW.next_try IS NOT NULL)
                    EXECUTE FUNCTION metering.plan_change_settled();
                """)
            let state = try await Migrator(pool: database.worker).state()
            #expect(
                state.triggers == [
                    "notify_keys on metering.api_key", "note_storage on metering.clinic_counter",
                    "override_insert, override_update on metering.clinic_override",
                    "plan_change_settled on metering.plan_change",
                ])
            _ = try await migrator.apply()
            #expect(try await Self.triggers(database.owner) == before)
            #expect(try await migrator.apply().isEmpty)
        }
    }

    @Test func `makes partitions of the running months again`() async throws {
        try await TestDatabase.lend { database in
            let migrator = Migrator(pool: database.owner)
            let count = "SELECT count(*) FROM pg_inherits"
            let before = try await database.owner.ask(count)[0].int64(0)
            try await database.owner.script(
                """
                DO $$ BEGIN EXECUTE 'DROP TABLE metering.usage_daily_'
                    || to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM'); END $$
                """)
            let done = try await migrator.apply()
            #expect(done.partitions == 1 && done.steps == [] && !done.isEmpty)
            #expect(try await database.owner.ask(count)[0].int64(0) == before)
        }
    }

    private static func triggers(_ pool: PostgresPool) async throws -> [String] {
        try await pool.ask(
            """
            SELECT concat_ws(' ', t.tgenabled, pg_get_triggerdef(t.oid)) FROM pg_trigger t
            JOIN pg_class c ON c.oid = t.tgrelid
            WHERE c.relnamespace = 'metering'::regnamespace AND NOT t.tgisinternal ORDER BY 1
            """
        ).map { try $0.text(0) }
    }

    /// Written while all triggers are on.
    private static let before = """
        INSERT INTO clinics (clinic_id, name) VALUES (md5('doomed')::uuid, 'Doomed');
        INSERT INTO users (email, clinic_id) VALUES ('d', md5('doomed')::uuid);
        INSERT INTO file_storage (file_id, clinic_id, s3_path, encrypted_key, size_bytes)
        VALUES (md5('d')::uuid, md5('doomed')::uuid, 's', '\\x00', 500);
        INSERT INTO subscription_plans (name, max_users, max_patients, features)
        VALUES ('Empty', 1, 1, '{"metering": {"quotas": 2}}');
        INSERT INTO clinic_subscriptions
        VALUES (md5('doomed')::uuid, 1, '2026-01-01', '2027-01-01', 'active');
        SELECT metering.request_plan_change(clinic::uuid, 2, now() + interval '9 days', 'grows')
        FROM unnest(ARRAY[md5('doomed'), md5('clinic 11')]) AS clinic;
        SELECT metering.defer_plan_change(id, 'refused') FROM metering.plan_change
        WHERE clinic_id = md5('clinic 11')::uuid;
        """

    private static let changes = """
        INSERT INTO clinics (clinic_id, name) VALUES (md5('fresh')::uuid, 'Fresh');
        UPDATE clinics SET name = 'Renamed' WHERE clinic_id = md5('clinic 2')::uuid;
        INSERT INTO users (email, clinic_id)
            SELECT 'new', md5('fresh')::uuid FROM generate_series(1, 3);
        UPDATE users SET clinic_id = md5('clinic 3')::uuid WHERE id = 21;
        DELETE FROM clinic_staff WHERE user_id = 5;
        INSERT INTO clinic_staff VALUES (md5('fresh')::uuid, 7, 'DENTIST');
        INSERT INTO patients (name, clinic_id)
            SELECT 'p', md5('clinic 4')::uuid FROM generate_series(1, 4);
        DELETE FROM patients WHERE id = 398;
        INSERT INTO file_storage (file_id, clinic_id, s3_path, encrypted_key, size_bytes)
        VALUES (md5('f')::uuid, md5('fresh')::uuid, 's', '\\x00', 700);
        UPDATE file_storage SET size_bytes = 900 WHERE file_id = md5('file 2')::uuid;
        INSERT INTO subscription_plans (name, max_users, max_patients, features)
        VALUES ('Late', 3, 3, '{"metering": {"quota": {"api_calls": 70}}}');
        UPDATE subscription_plans SET features = '{"metering": {"quota": {"api_calls": 500}}}'
        WHERE name = 'Practice';
        UPDATE subscription_plans SET features = '{"metering": {"quotas": 1}}' WHERE name = 'Solo';
        DELETE FROM subscription_plans WHERE name = 'Empty';
        INSERT INTO clinic_subscriptions
        VALUES (md5('fresh')::uuid, 2, '2026-01-01', '2027-01-01', 'trial');
        UPDATE clinic_subscriptions SET plan_id = 3 WHERE clinic_id = md5('clinic 7')::uuid;
        UPDATE clinic_subscriptions SET payment_status = 'overdue'
        WHERE clinic_id = md5('clinic 4')::uuid;
        UPDATE clinic_subscriptions SET payment_status = 'frozen'
        WHERE clinic_id = md5('clinic 10')::uuid;
        UPDATE clinic_subscriptions SET payment_status = 'active'
        WHERE clinic_id = md5('clinic 3')::uuid;
        UPDATE clinic_subscriptions SET end_date = end_date + 1
        WHERE clinic_id = md5('clinic 2')::uuid;
        DELETE FROM clinic_subscriptions WHERE clinic_id IN (
            md5('clinic 5')::uuid, md5('clinic 9')::uuid, md5('doomed')::uuid);
        DELETE FROM file_storage WHERE clinic_id = md5('doomed')::uuid;
        DELETE FROM users WHERE clinic_id = md5('doomed')::uuid;
        UPDATE audit_logs SET clinic_id = NULL WHERE clinic_id = md5('doomed')::uuid;
        DELETE FROM clinics WHERE clinic_id = md5('doomed')::uuid;
        UPDATE api_usage SET api_calls = 5 WHERE clinic_id = md5('clinic 6')::uuid;
        INSERT INTO metering.usage_adjustment (month, clinic_id, units, reason, idempotency_key)
        VALUES ('2099-01-01', md5('clinic 8')::uuid, 3, 'correction', 'a');
        INSERT INTO metering.clinic_override (clinic_id, what, value, until, reason)
        VALUES (md5('clinic 9')::uuid, 'users', 9, now() + interval '1 day', 'grows');
        UPDATE metering.plan_change SET dropped_at = now()
        WHERE clinic_id = md5('clinic 11')::uuid;
        """
}

extension TeamDatabase {
    fileprivate func disableTriggers(in schema: String) async throws {
        try await superuser.script(
            """
            DO $$ DECLARE place text; BEGIN
            FOR place IN SELECT DISTINCT t.tgrelid::regclass::text FROM pg_trigger t
                JOIN pg_class c ON c.oid = t.tgrelid
                WHERE c.relnamespace = '\(schema)'::regnamespace AND NOT t.tgisinternal
            LOOP EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', place); END LOOP; END $$
            """)
    }

    fileprivate func configVersions() async throws -> [String: Int64] {
        let rows = try await superuser.ask(
            """
            SELECT 'clinic ' || n AS name, config_version FROM generate_series(1, 20) AS n
            JOIN metering.clinic_terms ON clinic_id = md5('clinic ' || n)::uuid
            """)
        return try Dictionary(
            uniqueKeysWithValues: rows.map {
                (try $0.text("name"), try $0.int64("config_version"))
            })
    }

    /// The rows of every table of schema metering, without numbers and times that differ each time.
    fileprivate func metering() async throws -> [String: [String]] {
        let tables = try await superuser.ask(
            """
            SELECT c.relname AS name, string_agg(CASE
                WHEN a.atttypid = 'timestamptz'::regtype THEN format('%I IS NOT NULL', a.attname)
                WHEN a.atttypid = 'jsonb'::regtype
                    THEN format('%I - ARRAY[''event_id'', ''change_id'', ''at'']', a.attname)
                ELSE quote_ident(a.attname) END, ', ' ORDER BY a.attnum) AS columns
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relnamespace = 'metering'::regnamespace AND c.relkind IN ('r', 'p')
              AND NOT c.relispartition AND c.relname NOT LIKE 'schema_%'
              AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = ''
              AND a.atttypid NOT IN ('xid8'::regtype, 'name'::regtype)
              AND a.attname NOT IN ('next_at', 'config_version', 'change', 'times')
              AND (c.relname, a.attname) <> ('subscription_fact', 'idempotency_key')
            GROUP BY c.relname
            """)
        var rows: [String: [String]] = [:]
        for table in tables {
            let name = try table.text("name")
            let kept =
                switch name {
                case "attention": "kind <> 'triggers_missed'"
                // A recount makes a row for each clinic, and removes those of deleted clinics.
                case "clinic_counter": "(users, patients, storage_bytes) <> (0, 0, 0)"
                default: "true"
                }
            rows[name] = try await superuser.ask(
                "SELECT ROW(\(try table.text("columns")))::text FROM metering.\(name) WHERE \(kept)"
            ).map { try $0.text(0) }.sorted()
        }
        return rows
    }
}
