import DatabaseSupport
import LocalServers
import Postgres
import TestSupport
import Testing

@testable import Ledger

@Suite(.timed) struct `A repair by migrate` {
    // MARK: Rows that it cannot see

    /// A row that is hidden is not gone: a standing would be deleted for it.
    @Test(arguments: [
        ("clinic_subscriptions", "clinic_subscriptions"), ("clinics", "clinics"),
        ("subscription_plans", "subscription_plans"), ("patients", "patients"),
        ("api_usage", "api_usage"), ("clinics", "clinic_subscriptions"),
    ])
    func `refuses row security that hides rows, and writes nothing`(
        table: String, hidden: String
    ) async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            let before = try await team.kept()
            try await team.owner.script("ALTER TABLE \(table) DISABLE TRIGGER USER")
            for (change, end, remedy) in [
                (
                    "CREATE POLICY hours ON \(hidden) AS RESTRICTIVE USING (false)",
                    "DROP POLICY hours ON \(hidden)", "ALTER POLICY hours ON public.\(hidden) TO"
                ),
                (
                    "DROP POLICY metering_owner_all ON \(hidden)",
                    "CREATE POLICY metering_owner_all ON \(hidden) TO metering_owner USING (true)",
                    "CREATE POLICY metering_owner_all ON public.\(hidden) TO metering_owner"
                ),
            ] {
                try await team.owner.script(
                    "ALTER TABLE \(hidden) ENABLE ROW LEVEL SECURITY; \(change)")
                let error = await #expect(throws: MigrationError.self) {
                    try await team.migrator.apply()
                }
                let line = "\(try #require(error))"
                #expect(line.contains("42501") && line.contains("table \(hidden)"), "\(line)")
                #expect(line.contains(remedy) && !line.contains("\n"), "\(line)")
                #expect(try await team.kept() == before)
                try await team.owner.script(end)
            }
            _ = try await team.migrator.apply()
            #expect(try await team.kept() == before)
        }
    }

    @Test func `names the grant that a rebuilt table lacks`() async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            try await team.owner.script(
                """
                ALTER TABLE patients RENAME TO patients_old;
                CREATE TABLE patients (LIKE patients_old INCLUDING ALL);
                INSERT INTO patients SELECT * FROM patients_old;
                """)
            let error = await #expect(throws: MigrationError.self) {
                try await team.migrator.apply()
            }
            let line = "\(try #require(error))"
            let grant =
                "GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES, TRIGGER ON TABLE public.patients"
                + " TO metering_owner WITH GRANT OPTION"
            #expect(line.contains("table patients: \(grant)"), "\(line)")
            try await team.owner.script(grant)
            _ = try await team.migrator.apply()
            #expect(try await team.migrator.apply().isEmpty)
        }
    }

    // MARK: Functions

    /// The triggers are in place and enabled; what they call did nothing.
    @Test(arguments: [
        ("patients_changed", "BEGIN RETURN NULL; END"), ("count_simply", "BEGIN RETURN true; END"),
    ])
    func `redoes what triggers missed while a function was changed by hand`(
        name: String, body: String
    ) async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            try await team.replaceBody(of: name, with: body)
            try await team.owner.script(
                "INSERT INTO patients (name, clinic_id) VALUES ('p', md5('clinic 4')::uuid)")
            #expect(try await team.miscounted() == 1)
            let done = try await team.migrator.apply()
            #expect(done.functions == [name] && done.statements == [])
            #expect(try await team.miscounted() == 0)
            #expect(try await team.migrator.apply().isEmpty)
        }
    }

    @Test func `says what a function that was changed by hand lost`() async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            try await team.replaceBody(of: "subscription_written", with: "BEGIN RETURN NULL; END")
            try await team.owner.script(
                """
                UPDATE clinic_subscriptions SET payment_status = 'suspended'
                WHERE clinic_id = md5('clinic 3')::uuid
                """)
            let done = try await team.migrator.apply()
            #expect(done.lost.count == 1, "\(done.lost)")
            let status = try await team.superuser.ask(
                "SELECT status FROM metering.standing WHERE clinic_id = md5('clinic 3')::uuid")
            #expect(try status.map { try $0.text(0) } == ["suspended"])
        }
    }

    @Test func `does not take a release's new text for one changed by hand`() async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            let before = try await team.takenOver()
            let files = FunctionFile.all.map { file in
                file.name == "note_status"
                    ? FunctionFile(name: file.name, text: file.text + "-- changed\n") : file
            }
            let done = try await Migrator(pool: team.owner, functions: files).apply()
            #expect(done.functions == ["note_status"] && done.lost == [])
            #expect(try await team.takenOver() == before)
        }
    }

    @Test(arguments: [
        (
            "note_status",
            """
            DROP FUNCTION metering.note_status(uuid, text);
            CREATE FUNCTION metering.note_status(other uuid, status text) RETURNS boolean
                LANGUAGE sql AS 'SELECT true'
            """,
            "DROP FUNCTION metering.note_status(uuid,text)"
        ),
        (
            "note_status",
            """
            CREATE FUNCTION metering.note_status(other int) RETURNS boolean
                LANGUAGE sql AS 'SELECT true'
            """,
            "DROP FUNCTION metering.note_status(integer)"
        ),
        (
            "clinic_held",
            """
            DROP VIEW metering.clinic_held CASCADE; CREATE TABLE metering.clinic_held ()
            """,
            "DROP TABLE metering.clinic_held"
        ),
    ])
    func `names what is in the place of a function, and how to drop it`(
        name: String, change: String, remedy: String
    ) async throws {
        try await TeamDatabase.lend(rows: false) { team in
            _ = try await team.migrator.apply()
            try await team.owner.script("SET ROLE metering_owner; \(change); RESET ROLE")
            let error = await #expect(throws: MigrationError.self) {
                try await team.migrator.apply()
            }
            let line = "\(try #require(error))"
            #expect(line.hasPrefix("\(name).sql failed: ") && line.contains(remedy), "\(line)")
            try await team.owner.script("SET ROLE metering_owner; \(remedy); RESET ROLE")
            _ = try await team.migrator.apply()
            #expect(try await team.migrator.apply().isEmpty)
        }
    }

    // MARK: Triggers

    @Test func `takes a new partition over only when rows were written to it`() async throws {
        try await TeamDatabase.lend(rows: false) { team in
            try await team.owner.script(
                """
                DROP TABLE clinic_subscriptions;
                CREATE TABLE clinic_subscriptions (clinic_id uuid PRIMARY KEY, plan_id int,
                    start_date date, end_date date, payment_status varchar(20))
                    PARTITION BY HASH (clinic_id);
                CREATE INDEX ON clinic_subscriptions (plan_id);
                """)
            _ = try await team.migrator.apply()
            let before = try await team.takenOver()
            try await team.owner.script(
                """
                CREATE TABLE subscriptions_0 PARTITION OF clinic_subscriptions
                    FOR VALUES WITH (MODULUS 2, REMAINDER 0);
                """)
            let empty = try await team.migrator.apply()
            #expect(empty.statements.count == 1 && empty.lost == [])
            #expect(try await team.takenOver() == before)
            try await team.owner.script(
                """
                CREATE TABLE subscriptions_1 PARTITION OF clinic_subscriptions
                    FOR VALUES WITH (MODULUS 2, REMAINDER 1);
                INSERT INTO clinics (clinic_id, name)
                    SELECT md5('c' || n)::uuid, 'c' FROM generate_series(1, 20) AS n;
                INSERT INTO clinic_subscriptions SELECT clinic_id, NULL, '2026-01-01', '2027-01-01',
                    'active' FROM clinics;
                """)
            let written = try await team.migrator.apply()
            #expect(written.statements.count == 1 && written.lost.count == 1)
            #expect(try await team.takenOver() != before)
        }
    }

    @Test(arguments: [
        "ALTER TABLE clinics DISABLE TRIGGER USER",
        "ALTER TABLE patients DISABLE TRIGGER USER",
        "ALTER TABLE metering.usage_adjustment DISABLE TRIGGER USER",
        """
        CREATE OR REPLACE TRIGGER metering_plan_version_update AFTER UPDATE ON subscription_plans
            REFERENCING NEW TABLE AS rows FOR EACH STATEMENT
            EXECUTE FUNCTION metering.note_plan_version()
        """,
    ])
    func `finds nothing lost that these triggers could not lose`(change: String) async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            try await team.superuser.script(change)
            let done = try await team.migrator.apply()
            #expect(done.statements.count == 1 && done.lost == [], "\(done.lost)")
        }
    }

    @Test func `names a trigger that the team gave a name of ours after attaching`() async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            try await team.owner.script(
                """
                CREATE FUNCTION tally() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN RETURN NULL; END';
                DROP TRIGGER metering_count_insert ON patients;
                CREATE TRIGGER metering_count_insert AFTER INSERT ON patients
                    FOR EACH STATEMENT EXECUTE FUNCTION tally();
                """)
            let expected = MigrationError.cannotAttach([
                AttachProblem(
                    what: "public.patients has a trigger metering_count_insert of its own",
                    remedy: "ALTER TRIGGER metering_count_insert ON public.patients"
                        + " RENAME TO <another name>")
            ])
            await #expect(throws: expected) { try await team.migrator.apply() }
        }
    }

    @Test func `does not begin again when the record of taking over was lost`() async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            let before = try await team.kept()
            try await team.superuser.script("DELETE FROM metering.schema_trigger_group")
            _ = try await team.migrator.apply()
            #expect(try await team.kept() == before)
            #expect(try await team.migrator.apply().isEmpty)
        }
    }

    /// What docs/operating.md says: such a load leaves no trace in the catalog.
    @Test func `redoes a load that fired no trigger, when one was disabled after it`() async throws
    {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            try await team.superuser.script(
                """
                SET session_replication_role = replica;
                INSERT INTO patients (name, clinic_id) VALUES ('p', md5('clinic 4')::uuid);
                RESET session_replication_role;
                """)
            #expect(try await team.migrator.apply().isEmpty)
            #expect(try await team.miscounted() == 1)
            try await team.owner.script(
                "ALTER TABLE patients DISABLE TRIGGER metering_count_delete")
            _ = try await team.migrator.apply()
            #expect(try await team.miscounted() == 0)
        }
    }

    @Test func `ends the bytes of a clinic that was deleted meanwhile`() async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            try await team.superuser.script(
                """
                INSERT INTO metering.storage_month (clinic_id, month, bytes, peak)
                VALUES (md5('gone')::uuid, '2026-01-01', 500, 500);
                ALTER TABLE metering.clinic_counter DISABLE TRIGGER USER;
                """)
            _ = try await team.migrator.apply()
            let bytes = try await team.superuser.ask(
                """
                SELECT bytes FROM metering.storage_month WHERE clinic_id = md5('gone')::uuid
                ORDER BY month DESC LIMIT 1
                """)
            #expect(try bytes.map { try $0.int64(0) } == [0])
        }
    }

    // MARK: Poolers

    /// The lock of a run belongs to one session, and a pooler gives each transaction another.
    @Test func `is refused through a pooler`() async throws {
        try await TeamDatabase.lend(rows: false) { team in
            let login = TeamDatabase.ownerLogin
            try await LocalPgBouncer.lend(
                before: team.server, users: [login: Login.password]
            ) { pooler in
                let pool = try TestDatabase.pool(
                    pooler.url(user: login, password: Login.password, database: team.name))
                let migrator = Migrator(pool: pool)
                await #expect(throws: MigrationError.pooled) { try await migrator.apply() }
                await #expect(throws: MigrationError.pooled) { try await migrator.survey() }
                await pool.close()
            }
        }
    }
}

extension TeamDatabase {
    /// How many rows of each kind are kept, by clinic.
    fileprivate func kept() async throws -> [String] {
        try await superuser.ask(
            """
            SELECT concat_ws(' ', 'standing', clinic_id, status, since) FROM metering.standing
            UNION ALL SELECT concat_ws(' ', 'fact', clinic_id, kind) FROM metering.subscription_fact
            UNION ALL SELECT concat_ws(' ', 'plan', clinic_id, plan_id, since)
            FROM metering.clinic_plan
            UNION ALL SELECT concat_ws(' ', 'units', clinic_id, month, units)
            FROM metering.usage_adjustment
            UNION ALL SELECT concat_ws(' ', 'count', clinic_id, users, patients, storage_bytes)
            FROM metering.clinic_counter ORDER BY 1
            """
        ).map { try $0.text(0) }
    }

    /// When each group was taken over last.
    fileprivate func takenOver() async throws -> [String] {
        try await superuser.ask(
            "SELECT concat_ws(' ', name, last_at) FROM metering.schema_trigger_group ORDER BY 1"
        ).map { try $0.text(0) }
    }

    /// Clinics whose counter of patients is wrong.
    fileprivate func miscounted() async throws -> Int64 {
        try await superuser.ask(
            """
            SELECT count(*) FROM clinics k LEFT JOIN metering.clinic_counter c USING (clinic_id)
            WHERE coalesce(c.patients, 0) <> (
                SELECT count(*) FROM patients p WHERE p.clinic_id = k.clinic_id)
            """)[0].int64(0)
    }

    fileprivate func replaceBody(of name: String, with body: String) async throws {
        try await superuser.script(
            """
            DO $do$ BEGIN EXECUTE (
                SELECT replace(pg_get_functiondef(p.oid), p.prosrc, '\(body)') FROM pg_proc p
                WHERE p.pronamespace = 'metering'::regnamespace AND p.proname = '\(name)');
            END $do$
            """)
    }
}
