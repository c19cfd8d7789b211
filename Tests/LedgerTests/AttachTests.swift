import DatabaseSupport
import LocalServers
import Metering
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Ledger

/// `migrate` on a database that has the team's tables, rows and a running application.
@Suite(.timed) struct `Attaching` {
    @Test func `meets the document's statements, all but the four that PostgreSQL refuses`()
        async throws
    {
        try await TeamDatabase.lend { team in
            let refused = try TeamDatabase.document().filter { $0.refusal != nil }
            #expect(refused.map(\.refusal) == ["42703", "42601", "42P17", "42883"])
            for statement in refused {
                let error = await #expect(throws: PostgresError.self) {
                    try await team.owner.script(statement.text)
                }
                #expect(error?.sqlState == statement.refusal, "\(statement.text)")
            }
            let rows = try await team.rows(team.columns())
            #expect(Set(rows.keys) == Set(TeamDatabase.tables))
            #expect(rows.values.map(\.count).reduce(0, +) == 1_000)
        }
    }

    @Test(arguments: [false, true])
    func `leaves every old row, owner, type and policy as it was`(rowSecurity: Bool) async throws {
        try await TeamDatabase.lend(rowSecurity: rowSecurity) { team in
            let columns = try await team.columns()
            let before = (rows: try await team.rows(columns), schema: try await team.schema())
            #expect(try await team.migrator.apply().files == MigrationFile.attaching)
            #expect(try await team.rows(columns) == before.rows)
            let after = Set(try await team.schema())
            // The last column of file_storage has a comma now; nothing else of the old is different.
            #expect(
                before.schema.filter { !after.contains($0) } == ["    encrypted_key bytea NOT NULL"]
            )
            let memberships = try await team.superuser.ask(
                "SELECT FROM pg_auth_members WHERE member = 'metering_owner'::regrole")
            #expect(memberships.isEmpty)
            #expect(try await team.migrator.apply().isEmpty)
        }
    }

    @Test func `makes the same schema metering and the same triggers as in a new database`()
        async throws
    {
        try await TestDatabase.lend { new in
            try await TeamDatabase.lend { team in
                _ = try await team.migrator.apply()
                let ours = ["--schema=metering"]
                let expected = try await TeamDatabase.schema(of: new.name, ours, on: new.server)
                #expect(expected.count > 500)
                #expect(try await team.schema(ours) == expected)
                let triggers = try await TeamDatabase.triggers(new.owner)
                #expect(triggers.count > 25)
                #expect(try await TeamDatabase.triggers(team.superuser) == triggers)
            }
        }
    }

    @Test func `says which way it goes, what it found and what it would add, and changes nothing`()
        async throws
    {
        try await TeamDatabase.lend { team in
            let before = try await team.schema()
            try await team.owner.script("DROP TABLE audit_logs")
            let survey = try await team.migrator.survey()
            #expect(survey.way == .attached && survey.files == MigrationFile.attaching)
            #expect(survey.tables.filter { $0.found == nil }.map(\.name) == ["audit_logs"])
            #expect(
                survey.tables.first { $0.name == "patients" }?.found?.hasRowSecurity == true)
            #expect(survey.statements.contains { $0.contains("ADD COLUMN size_bytes") })
            #expect(survey.statements.contains { $0.contains("TRIGGER metering_count_insert") })
            #expect(survey.usage?.rowsNow == 17 && survey.usage?.monthsBefore == 4)
            #expect(try await Set(team.schema()).isSubset(of: Set(before)))
            try await TestDatabase.lendEmpty { pool, _ in
                let empty = try await Migrator(pool: pool).survey()
                #expect(empty.way == .new && empty.files == MigrationFile.all)
            }
        }
    }

    @Test func `makes the tables that are missing as in a new database`() async throws {
        try await TestDatabase.lendEmpty { pool, _ in
            try await pool.script(
                """
                CREATE TABLE public.clinics (clinic_id uuid PRIMARY KEY, name text, subdomain text,
                    created_at timestamptz);
                INSERT INTO public.clinics VALUES ('c1000000-0000-4000-8000-000000000001', 'One');
                """)
            _ = try await Migrator(pool: pool).apply()
            let made = try await pool.ask(
                """
                SELECT count(*) FILTER (WHERE relowner = 'metering_owner'::regrole),
                    count(*) FILTER (WHERE relrowsecurity) FROM pg_class
                WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
                """)
            // Nine tables and six partitions; plans belong to nobody in particular, clinics to the team.
            #expect(try made[0].int64(0) == 15)
            #expect(try made[0].int64(1) == 14)
            let added = try await pool.ask("SELECT enforced FROM metering.limit_mode")
            #expect(try !added[0].bool(0))
        }
    }

    @Test func `names everything that is missing with its remedy, before anything is changed`()
        async throws
    {
        try await TeamDatabase.lend { team in
            try await team.owner.script(
                """
                ALTER TABLE patients DROP COLUMN clinic_id;
                ALTER TABLE subscription_plans ALTER COLUMN features TYPE text;
                ALTER TABLE api_usage DROP CONSTRAINT api_usage_pkey;
                ALTER TABLE audit_logs ADD COLUMN tenant text NOT NULL DEFAULT '';
                ALTER TABLE audit_logs ALTER COLUMN tenant DROP DEFAULT;
                CREATE POLICY office_hours ON visits AS RESTRICTIVE USING (true);
                DROP TABLE clinic_staff;
                CREATE VIEW clinic_staff AS SELECT 1 AS one;
                """)
            try await team.superuser.script("ALTER TABLE users OWNER TO postgres")
            do {
                _ = try await team.migrator.apply()
                Issue.record("a database without patients.clinic_id was attached")
            } catch MigrationError.cannotAttach(let problems) {
                #expect(
                    problems.map(\.what) == [
                        "public.clinic_staff is not a table",
                        "public.patients has no column clinic_id",
                        "public.subscription_plans.features is text",
                        "public.api_usage has no key on (clinic_id, month)",
                        "public.audit_logs.tenant is NOT NULL without a default",
                        "public.users belongs to postgres, and this login is not a member of it",
                        "public.visits has the restrictive policy office_hours for all roles, "
                            + "which would hide rows from counting",
                    ])
                #expect(
                    problems[1].remedy
                        == "ALTER TABLE public.patients ADD COLUMN clinic_id uuid "
                        + "REFERENCES public.clinics (clinic_id)")
                // What can be run as it is, mends.
                for index in [1, 2, 3, 4] {
                    try await team.owner.script(problems[index].remedy)
                }
            }
            let left = try await team.owner.query(SQL.attachProblems).map { try $0.text("what") }
            #expect(left.count == 3)
            #expect(try await !team.schema().contains { $0.contains("metering") })
        }
    }

    @Test func `goes on wherever it was interrupted, and ends the same`() async throws {
        var expected: [String] = []
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            expected = try await team.schema()
        }
        try await TeamDatabase.lend { team in
            let lines = 60
            for place in 1...lines {
                let migrator = team.migrator
                let run = Task {
                    var seen = 0
                    return try await migrator.apply { _ in
                        seen += 1
                        if seen == 2 + place % 3 { withUnsafeCurrentTask { $0?.cancel() } }
                    }
                }
                if (try? await run.value)?.isEmpty == true { break }
            }
            _ = try await team.migrator.apply()
            #expect(try await team.schema() == expected)
        }
    }

    @Test func `builds an index again whose build was interrupted`() async throws {
        try await TeamDatabase.lend { team in
            let before = Migrator(
                pool: team.owner, attaching: MigrationFile.attaching.filter { $0.version < 4 },
                functions: [])
            // It ends where triggers find no functions; its files are applied.
            await #expect(throws: MigrationError.self) { try await before.apply() }
            // What an interrupted CREATE INDEX CONCURRENTLY leaves behind: an index marked invalid.
            try await team.superuser.script(
                """
                CREATE INDEX metering_users_clinic ON public.users (clinic_id);
                UPDATE pg_index SET indisvalid = false
                WHERE indexrelid = 'public.metering_users_clinic'::regclass;
                """)
            _ = try await team.migrator.apply()
            let rows = try await team.superuser.ask(
                """
                SELECT indisvalid FROM pg_index
                WHERE indexrelid = 'public.metering_users_clinic'::regclass
                """)
            #expect(try rows[0].bool(0))
        }
    }

    @Test func `leaves triggers of the team alone, whatever they are called`() async throws {
        try await TeamDatabase.lend { team in
            try await team.owner.script(
                """
                CREATE TABLE tally (rows bigint);
                CREATE FUNCTION tally() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN INSERT INTO public.tally SELECT count(*) FROM added; RETURN NULL; END';
                CREATE TRIGGER count_insert AFTER INSERT ON patients
                    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION tally();
                CREATE TRIGGER config_version_update AFTER UPDATE ON clinics
                    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION tally();
                """)
            _ = try await team.migrator.apply()
            try await team.owner.script(
                """
                INSERT INTO patients (name, clinic_id)
                    SELECT 'n', md5('clinic 2')::uuid FROM generate_series(1, 3);
                UPDATE clinics SET name = name WHERE clinic_id = md5('clinic 2')::uuid;
                """)
            let counted = try await team.owner.ask("SELECT rows FROM tally ORDER BY rows")
            #expect(try counted.map { try $0.int64(0) } == [1, 3])
        }
    }

    @Test func `names a trigger of the team that has a name of ours`() async throws {
        try await TeamDatabase.lend { team in
            try await team.owner.script(
                """
                CREATE FUNCTION tally() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN RETURN NULL; END';
                CREATE TRIGGER metering_count_insert AFTER INSERT ON patients
                    FOR EACH STATEMENT EXECUTE FUNCTION tally();
                """)
            let remedy =
                "ALTER TRIGGER metering_count_insert ON public.patients RENAME TO <another name>"
            await #expect(
                throws: MigrationError.cannotAttach([
                    AttachProblem(
                        what: "public.patients has a trigger metering_count_insert of its own",
                        remedy: remedy)
                ])
            ) { try await team.migrator.apply() }
        }
    }

    @Test func `upgrades from an earlier version through the same list`() async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            let newest = try #require(MigrationFile.attaching.last).version
            let next = MigrationFile(
                version: newest + 1, name: "V9999_more.sql",
                text: "CREATE TABLE metering.more (id int PRIMARY KEY);")
            let newer = Migrator(pool: team.owner, attaching: MigrationFile.attaching + [next])
            #expect(try await newer.survey().steps == [.file(next)])
            #expect(try await newer.apply().steps == [.file(next)])
            try await team.lendLedger { ledger in
                let refusal = LedgerError.schema(found: newest + 1, needed: newest)
                await #expect(throws: refusal) { try await ledger.requireLeastPrivilege() }
            }
        }
    }

    @Test func `shows its steps in the order in which they run`() async throws {
        try await TeamDatabase.lend { team in
            let planned = try await team.migrator.survey().steps
            #expect(planned.files == MigrationFile.attaching && planned.statements.count > 20)
            #expect(try await team.migrator.apply().steps == planned)
        }
        try await TestDatabase.lendEmpty { pool, _ in
            let planned = try await Migrator(pool: pool).survey().steps
            #expect(planned.files == MigrationFile.all && !planned.statements.isEmpty)
            let done = try await Migrator(pool: pool).apply().steps
            // The tables whose policies a file then finds are not there yet.
            let functions = MigrationStep.functions(FunctionFile.all.map(\.name))
            let place = try #require(done.firstIndex(of: functions))
            #expect(Array(done[..<place]).files == planned.files)
            #expect(done[place...] == planned[planned.files.count...])
        }
    }

    @Test func `names all that has a name of ours, before anything is changed`() async throws {
        try await TeamDatabase.lend { team in
            try await team.owner.script(
                """
                CREATE FUNCTION tally() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN RETURN NULL; END';
                DROP TABLE file_storage;
                CREATE TABLE file_storage (file_id uuid, clinic_id uuid, bytes bigint,
                    CONSTRAINT metering_size_bytes_check CHECK (bytes > 0))
                    PARTITION BY HASH (file_id);
                CREATE TABLE files_0 PARTITION OF file_storage
                    FOR VALUES WITH (MODULUS 1, REMAINDER 0);
                CREATE INDEX ON file_storage (clinic_id);
                CREATE TRIGGER metering_count_insert AFTER INSERT ON files_0
                    FOR EACH STATEMENT EXECUTE FUNCTION tally();
                CREATE POLICY metering_reads ON users USING (true);
                CREATE INDEX metering_users_clinic ON users (email);
                CREATE INDEX metering_patients_clinic ON patients (clinic_id);
                CREATE TABLE metering_api_usage_month (id int);
                """)
            let before = try await team.schema()
            let error = await #expect(throws: MigrationError.self) {
                try await team.migrator.apply()
            }
            guard case .cannotAttach(let problems) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(
                problems.map(\.what) == [
                    "public.files_0 has a trigger metering_count_insert of its own",
                    "public.users has a policy metering_reads of its own",
                    "public.file_storage has a constraint metering_size_bytes_check of its own",
                    "public.metering_api_usage_month is a relation of its own",
                    "public.metering_users_clinic is an index of its own",
                ])
            #expect(try await team.schema() == before)
            for (place, problem) in problems.enumerated() {
                try await team.owner.script(
                    problem.remedy.replacing("<another name>", with: "name_\(place)"))
            }
            #expect(try await !team.migrator.apply().isEmpty)
        }
    }

    @Test func `run at the same time, one applies and the other finds nothing to do`() async throws
    {
        try await TeamDatabase.lend { team in
            async let first = team.migrator.apply()
            async let second = team.migrator.apply()
            let counts = try await [first.files.count, second.files.count].sorted()
            #expect(counts == [0, MigrationFile.attaching.count])
        }
    }

    @Test func `waits for a long transaction without holding up those who come later`()
        async throws
    {
        try await TeamDatabase.lend { team in
            let lines = Lines()
            try await team.app.withConnection { reader in
                try await reader.script("BEGIN; SELECT count(*) FROM clinics;")
                async let applied = team.migrator.apply { lines.add($0) }
                try await waitUntil("migrate says for whom it waits", within: .seconds(120)) {
                    lines.all.contains { $0.contains("of \(TeamDatabase.appLogin)") }
                }
                // They would queue behind a lock that is waited for as long as the reader likes.
                for _ in 1...20 {
                    try await team.owner.script(
                        """
                        BEGIN; SET LOCAL lock_timeout = '5s';
                        UPDATE clinics SET name = name;
                        SELECT count(*) FROM patients;
                        ROLLBACK;
                        """)
                }
                try await reader.script("COMMIT")
                #expect(try await applied.files == MigrationFile.attaching)
            }
        }
    }

    @Test func `ends with what to do when its tables stay in use`() async throws {
        try await TeamDatabase.lend { team in
            try await team.app.withConnection { reader in
                try await reader.script("BEGIN; SELECT count(*) FROM api_usage;")
                let error = await #expect(throws: MigrationError.self) {
                    // Index builds wait without harm, as long as it takes: leave them out.
                    try await Migrator(
                        pool: team.owner,
                        attaching: MigrationFile.attaching.filter { $0.version != 4 },
                        patience: .zero
                    ).apply()
                }
                guard case .busy(let name, _) = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(name == "V0005_policies.sql")
                try await reader.script("COMMIT")
            }
        }
    }
}

/// Lines of progress, from whichever task.
final class Lines: Sendable {
    private let held = Mutex<[String]>([])

    func add(_ line: String) { held.withLock { $0.append(line) } }
    var all: [String] { held.withLock { $0 } }
}
