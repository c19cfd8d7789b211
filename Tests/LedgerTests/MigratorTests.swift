import DatabaseSupport
import Foundation
import LocalServers
import Postgres
import TestSupport
import Testing

@testable import Ledger

@Suite(.timed) struct `Migrations` {
    @Test func `apply every file once, and nothing the second time`() async throws {
        try await TestDatabase.lendEmpty { pool, _ in
            let migrator = Migrator(pool: pool)
            #expect(try await migrator.plan() == MigrationFile.all)
            let first = try await migrator.apply()
            #expect(first.files == MigrationFile.all)
            #expect(first.functions == FunctionFile.all.map(\.name))
            #expect(first.partitions > 0)
            #expect(try await migrator.plan() == [])
            #expect(try await migrator.apply().isEmpty)
            let rows = try await pool.ask(
                "SELECT version FROM metering.schema_migration ORDER BY 1")
            #expect(try rows.map { try $0.int64(0) } == MigrationFile.all.map(\.version))
            try await Ledger(pool: pool).requireSchema()
        }
    }

    @Test func `run at the same time, one applies and the other finds nothing to do`() async throws
    {
        try await TestDatabase.lendEmpty { pool, _ in
            async let first = Migrator(pool: pool).apply()
            async let second = Migrator(pool: pool).apply()
            let counts = try await [first.files.count, second.files.count].sorted()
            #expect(counts == [0, MigrationFile.all.count])
        }
    }

    @Test func `waiting for another run say so and end at their deadline`() async throws {
        try await TestDatabase.lendEmpty { pool, _ in
            try await pool.withConnection { holder in
                _ = try await holder.query(SQL.migrationLock)
                var lines: [String] = []
                await #expect(throws: MigrationError.locked(waited: .milliseconds(300))) {
                    try await Migrator(pool: pool).apply(waitingAtMost: .milliseconds(300)) {
                        lines.append($0)
                    }
                }
                #expect(lines == ["another program is migrating; waiting"])
                _ = try await holder.query(SQL.migrationUnlock)
            }
            let tables = try await pool.ask("SELECT to_regclass('public.clinics') IS NULL")
            #expect(try tables[0].bool(0))
        }
    }

    @Test func `name a file that was changed after it was applied`() async throws {
        try await TestDatabase.lendEmpty { pool, _ in
            _ = try await Migrator(pool: pool).apply()
            var files = MigrationFile.all
            let old = files[3]
            files[3] = MigrationFile(
                version: old.version, name: old.name, text: old.text + "\n-- one comment more\n")
            let changed = Migrator(pool: pool, files: files)
            await #expect(throws: MigrationError.otherSchema("V0004_new_indexes.sql")) {
                try await changed.apply()
            }
        }
    }

    @Test func `refuse a database of an unreleased schema in one line that says what to do`()
        async throws
    {
        try await TestDatabase.lendEmpty { pool, _ in
            _ = try await Migrator(pool: pool).apply()
            // As the 39 files before the baseline left it.
            try await pool.script(
                """
                UPDATE metering.schema_migration SET checksum = sha256('older') WHERE version = 1;
                INSERT INTO metering.schema_migration (version, name, checksum)
                VALUES (39, 'V0039_sessions_side_by_side.sql', sha256('older'));
                """)
            let expected = MigrationError.otherSchema("V0001_foundation.sql")
            await #expect(throws: expected) { try await Migrator(pool: pool).apply() }
            #expect(try await Migrator(pool: pool).state().problem == expected)
            let ledger = Ledger(pool: pool)
            let refusal = LedgerError.otherSchema("V0001_foundation.sql")
            await #expect(throws: refusal) { try await ledger.requireSchema() }
            #expect("\(refusal)" == "\(expected)")
            let line = "\(expected)"
            #expect(!line.contains("\n") && line.contains("create a new database"))
        }
    }

    @Test func `refuse a database of a newer program`() async throws {
        try await TestDatabase.lendEmpty { pool, _ in
            _ = try await Migrator(pool: pool).apply()
            let older = Migrator(pool: pool, files: Array(MigrationFile.all.dropLast()))
            let newest = try #require(MigrationFile.all.last).version
            await #expect(throws: MigrationError.newerDatabase(newest)) { try await older.apply() }
        }
    }

    @Test func `leave nothing of a file that fails, and go on from there`() async throws {
        try await TestDatabase.lendEmpty { pool, _ in
            var files = MigrationFile.all
            let good = files[7]
            files[7] = MigrationFile(
                version: good.version, name: good.name, text: good.text + "\nSELECT 1 / 0;\n")
            do {
                _ = try await Migrator(pool: pool, files: files).apply()
                Issue.record("a division by zero was applied")
            } catch MigrationError.file(let name, _, let error) {
                #expect(name == "V0008_terms.sql")
                #expect(error.sqlState == "22012")
            }
            let left = try await pool.ask("SELECT to_regclass('metering.clinic_terms') IS NULL")
            #expect(try left[0].bool(0))
            let rest = try await Migrator(pool: pool).apply()
            #expect(rest.files == Array(MigrationFile.all.dropFirst(7)))
        }
    }

    @Test func `apply a function again when its text has changed, and no other`() async throws {
        try await TestDatabase.lendEmpty { pool, _ in
            _ = try await Migrator(pool: pool).apply()
            let changed = FunctionFile.all.map { file in
                guard file.name == "unknown_status" else { return file }
                return FunctionFile(
                    name: file.name, text: file.text.replacing("is unknown", with: "is strange"))
            }
            let newer = Migrator(pool: pool, functions: changed)
            #expect(try await newer.survey().functions == ["unknown_status"])
            #expect(try await newer.apply().functions == ["unknown_status"])
            #expect(try await newer.apply().isEmpty)
            let said = try await pool.ask("SELECT metering.unknown_status('x')")
            #expect(try said[0].text(0).contains("is strange"))
            #expect(try await Migrator(pool: pool).state().pending == ["unknown_status.sql"])
            #expect(try await Migrator(pool: pool).apply().functions == ["unknown_status"])
        }
    }

    @Test func `make a function or view again that was dropped, or whose body was changed`()
        async throws
    {
        try await TestDatabase.lend { database in
            let migrator = Migrator(pool: database.owner)
            let triggers = try await TeamDatabase.triggers(database.owner)
            try await database.owner.script(
                """
                DROP FUNCTION metering.users_changed() CASCADE;
                DROP VIEW metering.clinic_held CASCADE;
                CREATE OR REPLACE FUNCTION metering.unknown_status(stored text) RETURNS text
                    LANGUAGE sql IMMUTABLE AS 'SELECT NULL::text';
                """)
            let reader = Migrator(pool: database.worker)
            let state = try await reader.state()
            #expect(Set(state.pending).isSuperset(of: ["users_changed.sql", "clinic_held.sql"]))
            #expect(try await migrator.apply().functions.count == state.pending.count)
            #expect(try await reader.state().pending == [])
            #expect(try await TeamDatabase.triggers(database.owner) == triggers)
            #expect(try await migrator.apply().isEmpty)
        }
    }

    @Test(arguments: [
        ("record_fact", "ALTER FUNCTION metering.record_fact SECURITY INVOKER"),
        ("record_fact", "ALTER FUNCTION metering.record_fact RESET search_path"),
        ("record_fact", "ALTER FUNCTION metering.record_fact SET lock_timeout = '1s'"),
        ("plan_in_force", "ALTER FUNCTION metering.plan_in_force VOLATILE"),
        ("percent", "ALTER FUNCTION metering.percent STRICT"),
        ("percent", "ALTER FUNCTION metering.percent OWNER TO postgres"),
        ("record_fact", "GRANT EXECUTE ON FUNCTION metering.record_fact TO PUBLIC"),
        ("record_fact", "GRANT EXECUTE ON FUNCTION metering.record_fact TO clinic_app"),
        ("record_fact", "REVOKE EXECUTE ON FUNCTION metering.record_fact FROM billing_admin"),
        (
            "defer_standing",
            """
            CREATE OR REPLACE FUNCTION metering.defer_standing(clinic uuid, why text) RETURNS void
                LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
                SET lock_timeout = '1s' BEGIN ATOMIC SELECT; END
            """
        ),
        (
            "clinic_held",
            """
            CREATE OR REPLACE VIEW metering.clinic_held AS SELECT c.clinic_id, c.users,
                0::bigint AS reserved, c.patients, c.storage_bytes FROM metering.clinic_counter c
            """
        ),
        ("clinic_held", "ALTER VIEW metering.clinic_held SET (security_invoker = true)"),
        ("clinic_held", "ALTER VIEW metering.clinic_held OWNER TO postgres"),
        ("clinic_held", "GRANT SELECT ON metering.clinic_held TO clinic_app"),
    ])
    func `make a function or view as its file says, whatever was changed by hand`(
        name: String, change: String
    ) async throws {
        try await TestDatabase.lend { database in
            let before = try await TeamDatabase.schema(of: database.name, on: database.server)
            try await database.owner.script(change)
            let reader = Migrator(pool: database.worker)
            #expect(try await reader.state().pending == ["\(name).sql"])
            let migrator = Migrator(pool: database.owner)
            #expect(try await migrator.apply().functions == [name])
            let after = try await TeamDatabase.schema(of: database.name, on: database.server)
            #expect(after == before)
            #expect(try await migrator.apply().isEmpty)
        }
    }

    @Test func `leave rights on functions to roles of the team`() async throws {
        try await TestDatabase.lend { database in
            try await database.owner.script(
                "GRANT EXECUTE ON FUNCTION metering.reserve_seat TO \(Login.app)")
            #expect(try await Migrator(pool: database.owner).apply().isEmpty)
        }
    }

    @Test func `refuse a function of another role with the statement that helps`() async throws {
        try await TeamDatabase.lend(rows: false) { team in
            _ = try await team.migrator.apply()
            try await team.superuser.script("ALTER FUNCTION metering.audit OWNER TO postgres")
            let error = await #expect(throws: MigrationError.self) {
                try await team.migrator.apply()
            }
            #expect(
                "\(try #require(error))".hasSuffix("GRANT postgres TO \(TeamDatabase.ownerLogin)"))
        }
    }

    /// Compared whatever the login's settings are: the catalog's texts depend on both.
    @Test(arguments: ["search_path = metering, public", "quote_all_identifiers = on"])
    func `compare functions and views alike for every login`(setting: String) async throws {
        try await TestDatabase.lend { database in
            try await database.owner.script("ALTER DATABASE \(database.name) SET \(setting)")
            let other = try database.pool(of: Login.worker)
            #expect(try await Migrator(pool: other).state().pending == [])
            await other.close()
        }
    }

    @Test(arguments: [
        ("DELETE FROM metering.schema_function WHERE name = 'usage_change'", "usage_change"),
        ("UPDATE metering.schema_function SET checksum = sha256('') WHERE name = 'audit'", "audit"),
        ("DROP VIEW metering.clinic_held CASCADE", "clinic_held"),
        ("DELETE FROM metering.schema_trigger_group WHERE name = 'usage'", "triggers of usage"),
    ])
    func `that did not finish keep programs from starting until one does`(
        undo: String, next: String
    ) async throws {
        try await TestDatabase.lend { database in
            try await database.ledger.requireSchema()
            try await database.owner.script(undo)
            let refusal = LedgerError.unfinishedSchema(next)
            await #expect(throws: refusal) { try await database.ledger.requireSchema() }
            #expect(
                "\(refusal)"
                    == "migrate did not finish (\(next) is next): run metering-worker migrate")
            #expect(try await !Migrator(pool: database.worker).state().isCurrent)
            _ = try await Migrator(pool: database.owner).apply()
            try await database.ledger.requireSchema()
            #expect(try await Migrator(pool: database.worker).state().isCurrent)
        }
    }

    @Test func `take away rights that an applied function or view no longer gives`() async throws {
        try await TestDatabase.lend { database in
            let before = try await Self.rights(database.owner)
            for kind in ["FUNCTION metering.%I", "TABLE metering.%I"] {
                try await database.owner.script(
                    """
                    DO $$ DECLARE known text; BEGIN
                    FOR known IN SELECT f.name FROM metering.schema_function f
                        WHERE EXISTS (SELECT FROM pg_proc WHERE proname = f.name
                            AND pronamespace = 'metering'::regnamespace) = ('\(kind)' LIKE 'FUNCTION%')
                    LOOP
                        EXECUTE format('GRANT ALL ON \(kind) TO PUBLIC, metering_worker,'
                            ' billing_admin, billing_viewer, clinic_app', known);
                    END LOOP; END $$;
                    """)
            }
            #expect(try await Self.rights(database.owner) != before)
            try await database.owner.script(
                "UPDATE metering.schema_function SET checksum = sha256('older')")
            let applied = try await Migrator(pool: database.owner).apply().functions
            #expect(applied == FunctionFile.all.map(\.name))
            #expect(try await Self.rights(database.owner) == before)
        }
    }

    /// Who may do what with functions and views.
    private static func rights(_ pool: PostgresPool) async throws -> [String] {
        try await pool.ask(
            """
            SELECT concat_ws(' ', known.name, a.grantee::regrole, a.privilege_type) FROM (
                SELECT proname AS name, proacl AS acl FROM pg_proc
                WHERE pronamespace = 'metering'::regnamespace
                UNION ALL SELECT relname, relacl FROM pg_class
                WHERE relnamespace = 'metering'::regnamespace AND relkind = 'v') AS known
            CROSS JOIN aclexplode(known.acl) AS a ORDER BY 1
            """
        ).map { try $0.text(0) }
    }

    @Test func `apply all changed functions or none, and name the one that fails`() async throws {
        try await TestDatabase.lendEmpty { pool, _ in
            _ = try await Migrator(pool: pool).apply()
            var files = FunctionFile.all
            let first = try #require(files.first)
            files[0] = FunctionFile(name: first.name, text: first.text + "-- changed\n")
            files.append(FunctionFile(name: "broken", text: "SELECT 1 / 0;"))
            do {
                _ = try await Migrator(pool: pool, functions: files).apply()
                Issue.record("a division by zero was applied")
            } catch MigrationError.file(let name, _, let error) {
                #expect(name == "broken.sql")
                #expect(error.sqlState == "22012")
            }
            #expect(try await Migrator(pool: pool).apply().isEmpty)
        }
    }

    @Test func `give a clear answer to a role that may not create anything`() async throws {
        try await TestDatabase.lend { database in
            try await TestDatabase.lendEmpty { _, name in
                let pool = try TestDatabase.pool(
                    database.server.url(
                        user: Login.app, password: Login.password, database: name))
                do {
                    _ = try await Migrator(pool: pool).apply()
                    Issue.record("clinic_app migrated a database")
                } catch MigrationError.missingRight(let remedy) {
                    #expect(remedy.contains("connect as the owner of the database"))
                }
                await pool.close()
            }
        }
    }

    @Test func `can be applied by an owner of the database who is no superuser`() async throws {
        try await TestDatabase.lend { database in
            try await TestDatabase.lendEmpty { superuser, name in
                try await superuser.script("ALTER DATABASE \(name) OWNER TO \(Login.owner)")
                let pool = try TestDatabase.pool(
                    database.server.url(
                        user: Login.owner, password: Login.password, database: name))
                #expect(try await Migrator(pool: pool).apply().files == MigrationFile.all)
                #expect(try await Migrator(pool: pool).apply().isEmpty)
                await pool.close()
            }
        }
    }

    @Test func `hold every statement that the ledger sends`() async throws {
        // PREPARE takes no SET, so these are run instead.
        let settings: Set = ["migration_lock_timeout", "migration_role_local"]
        let statements = try Self.statements()
        #expect(statements.count > 100 && settings.isSubset(of: statements.keys))
        try await TestDatabase.lend { database in
            for (name, text) in statements where !settings.contains(name) {
                try await database.worker.script("PREPARE checked AS \(text); DEALLOCATE checked;")
            }
            try await database.owner.script(
                """
                BEGIN; \(SQL.migrationRoleLocal.text); \(SQL.migrationLockTimeout.text); COMMIT;
                """)
        }
    }

    /// The text of every file below `Sources/Ledger/SQL`, by its name without `.sql`.
    private static func statements() throws -> [String: String] {
        let folder = "\(ProjectRoot.path)/Sources/Ledger/SQL"
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(".sql") }
        return try Dictionary(
            uniqueKeysWithValues: files.map { file in
                let name = URL(filePath: file).deletingPathExtension().lastPathComponent
                return (name, try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8))
            })
    }
}
