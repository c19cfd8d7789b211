import Foundation
import LocalServers
import Postgres
import TestSupport
import Testing

@testable import Ledger

@Suite struct `Migrations` {
    @Test func `apply every file once, and nothing the second time`() async throws {
        try await TestDatabase.lendEmpty { pool, _ in
            let migrator = Migrator(pool: pool)
            #expect(try await migrator.plan() == MigrationFile.all)
            #expect(try await migrator.apply() == MigrationFile.all)
            #expect(try await migrator.plan() == [])
            #expect(try await migrator.apply() == [])
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
            let counts = try await [first.count, second.count].sorted()
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
            await #expect(throws: MigrationError.changedFile("V0004_tenant_indexes.sql")) {
                try await changed.apply()
            }
        }
    }

    @Test func `merge what quarantine held of the same count and reason`() async throws {
        try await TestDatabase.lendEmpty { pool, _ in
            let older = MigrationFile.all.filter { $0.version < 17 }
            _ = try await Migrator(pool: pool, files: older).apply()
            try await pool.script(
                """
                INSERT INTO metering.quarantine
                    (month, clinic_id, epoch, used, credited, reason, times, last_seen)
                SELECT '2026-11-01', gen.id, 1, used, 9 - used, reason, used, now()
                FROM (SELECT gen_random_uuid() AS id) AS gen, unnest(ARRAY[1, 3, 2]) AS used,
                    unnest(ARRAY['a', 'b']) AS reason
                WHERE reason = 'a' OR used = 1
                """)
            _ = try await Migrator(pool: pool).apply()
            let rows = try await pool.ask(
                """
                SELECT concat_ws(' ', reason, used, credited, times) FROM metering.quarantine
                ORDER BY reason
                """)
            #expect(try rows.map { try $0.text(0) } == ["a 3 8 6", "b 1 8 1"])
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
                #expect(name == "V0008_buckets.sql")
                #expect(error.sqlState == "22012")
            }
            let left = try await pool.ask("SELECT to_regclass('metering.usage_month') IS NULL")
            #expect(try left[0].bool(0))
            let rest = try await Migrator(pool: pool).apply()
            #expect(rest == Array(MigrationFile.all.dropFirst(7)))
        }
    }

    @Test func `build an index again whose build was interrupted`() async throws {
        try await TestDatabase.lendEmpty { pool, _ in
            let index = MigrationFile.all.firstIndex { $0.runsOutsideTransaction }
            let outside = try #require(index)
            let before = Migrator(pool: pool, files: Array(MigrationFile.all[..<outside]))
            _ = try await before.apply()
            // What an interrupted CREATE INDEX CONCURRENTLY leaves behind: an index marked invalid.
            try await pool.script(
                """
                CREATE INDEX idx_patients_clinic ON public.patients (clinic_id);
                ALTER INDEX idx_patients_clinic OWNER TO metering_owner;
                UPDATE pg_index SET indisvalid = false
                WHERE indexrelid = 'public.idx_patients_clinic'::regclass;
                """)
            _ = try await Migrator(pool: pool).apply()
            let rows = try await pool.ask(
                "SELECT indisvalid FROM pg_index WHERE indexrelid = 'idx_patients_clinic'::regclass"
            )
            #expect(try rows[0].bool(0))
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
                #expect(try await Migrator(pool: pool).apply().count == MigrationFile.all.count)
                #expect(try await Migrator(pool: pool).apply() == [])
                await pool.close()
            }
        }
    }

    @Test func `hold every statement that the ledger sends`() async throws {
        // PREPARE takes no SET, so these are run instead.
        let settings: Set = [
            "migration_lock_timeout", "migration_role_local", "migration_role_reset",
            "migration_role_set",
        ]
        let statements = try Self.statements()
        #expect(statements.count > 100 && settings.isSubset(of: statements.keys))
        try await TestDatabase.lend { database in
            for (name, text) in statements where !settings.contains(name) {
                try await database.worker.script("PREPARE checked AS \(text); DEALLOCATE checked;")
            }
            try await database.owner.script(
                """
                BEGIN; \(SQL.migrationRoleLocal.text); \(SQL.migrationLockTimeout.text); COMMIT;
                \(SQL.migrationRoleSet.text); \(SQL.migrationRoleReset.text);
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
