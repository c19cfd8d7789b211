import Billing
import DatabaseSupport
import FoundationEssentials
import LocalServers
import Metering
import Postgres
import TestSupport
import Testing

@testable import Ledger

/// The team's application, its migrations and its backups on a database that was attached.
@Suite(.timed) struct `An attached database` {
    @Test(arguments: [false, true])
    func `answers every statement of the application as before`(rowSecurity: Bool) async throws {
        try await TeamDatabase.lend(rowSecurity: rowSecurity) { team in
            let before = try await team.playApplication()
            #expect(before.count { $0.hasPrefix("-- ") } == 4 * ApplicationStatements.all.count)
            _ = try await team.migrator.apply()
            let after = try await team.playApplication()
            for (old, new) in zip(before, after) where old != new {
                Issue.record("before: \(old), after: \(new)")
            }
            #expect(before.count == after.count)
            // Most of them ran, so the comparison is one of answers and not of refusals.
            #expect(
                before.count { $0.hasPrefix("ended 00000 ") } > 2 * ApplicationStatements.all.count)
        }
    }

    @Test func `gives and takes one column more where a COPY names none`() async throws {
        try await TeamDatabase.lend { team in
            let bare = PostgresStatement("COPY file_storage FROM STDIN")
            let named = PostgresStatement(
                """
                COPY file_storage (file_id, clinic_id, patient_id, s3_path, uploader_id, encrypted_key)
                FROM STDIN
                """)
            func file(_ number: Int) -> [PostgresValue] {
                [
                    .text("00000000-0000-4000-8000-00000000000\(number)"), .null, .null,
                    .text("s3"),
                    .null, .text("\\x00"),
                ]
            }
            func copy(_ statement: PostgresStatement, _ row: [PostgresValue]) async throws -> Int {
                try await team.app.withConnection { try await $0.copyIn(statement, rows: [row]) }
            }
            #expect(try await copy(bare, file(1)) == 1)
            _ = try await team.migrator.apply()
            let error = await #expect(throws: PostgresError.self) { try await copy(bare, file(2)) }
            #expect(error?.sqlState == "22P04")
            #expect(try await copy(bare, file(2) + [.int64(5)]) == 1)
            #expect(try await copy(named, file(3)) == 1)
            // An INSERT without a list fills the columns that it has values for.
            try await team.app.script(
                "INSERT INTO file_storage VALUES (gen_random_uuid(), NULL, NULL, 's3', NULL, 'k')")
        }
    }

    @Test func `lets the team change its tables`() async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            try await team.owner.script(
                """
                ALTER TABLE clinics ADD COLUMN notes json, ALTER COLUMN name TYPE text;
                ALTER TABLE clinics DROP COLUMN config;
                UPDATE clinics SET notes = '{}', name = name || '.';
                ALTER TABLE users ALTER COLUMN email TYPE varchar(300);
                ALTER TABLE patients RENAME COLUMN name TO full_name;
                ALTER TABLE patients DROP COLUMN full_name;
                ALTER TABLE visits ADD COLUMN clinic_id uuid;
                ALTER TABLE visits ALTER COLUMN visit_date TYPE timestamptz;
                ALTER TABLE clinic_staff ALTER COLUMN role TYPE text;
                ALTER TABLE subscription_plans ADD COLUMN looks json, ALTER COLUMN name TYPE text;
                UPDATE subscription_plans SET looks = '{}';
                ALTER TABLE clinic_subscriptions ADD COLUMN auto_renew boolean;
                UPDATE clinic_subscriptions SET auto_renew = false;
                ALTER TABLE file_storage ALTER COLUMN s3_path TYPE text, ADD COLUMN mime text;
                ALTER TABLE audit_logs DROP COLUMN ip_address;
                ALTER TABLE api_usage ALTER COLUMN api_calls TYPE bigint;
                INSERT INTO clinic_staff SELECT clinic_id, id, 'GUEST' FROM users
                    WHERE clinic_id IS NOT NULL ON CONFLICT DO NOTHING;
                """)
            try await team.lendLedger { ledger in
                _ = try await ledger.usage.rollUp(try await ledger.usage.currentMonth())
                #expect(try await ledger.limits.recount().clinics > 0)
            }
        }
    }

    @Test func `keeps running where a session has seen the tables before they changed`()
        async throws
    {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            let touch = "UPDATE api_usage SET api_calls = api_calls; UPDATE clinics SET name = name"
            try await team.app.withConnection { old in
                try await old.script(touch)
                _ = try await team.migrator.run(.wideUsage)
                try await team.owner.script("ALTER TABLE clinics ADD COLUMN notes json")
                try await old.script(touch)
            }
        }
    }

    @Test func `is dumped by its owner, and restored by him`() async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            let directory = try TemporaryDirectory("dump")
            defer { directory.remove() }
            let file = "\(directory.path)/team.dump"
            _ = try await team.server.client(
                "pg_dump",
                [
                    "--format=custom", "--file=\(file)", "--dbname",
                    team.url(TeamDatabase.ownerLogin),
                ])
            try await TestDatabase.lendEmpty { pool, name in
                try await pool.script("ALTER DATABASE \(name) OWNER TO \(TeamDatabase.ownerLogin)")
                _ = try await team.server.client(
                    "pg_restore",
                    [
                        "--exit-on-error", "--dbname",
                        team.server.url(
                            user: TeamDatabase.ownerLogin, password: Login.password, database: name),
                        file,
                    ])
                #expect(
                    try await TeamDatabase.schema(of: name, on: team.server) == team.schema())
                let counted = "SELECT c::text FROM metering.clinic_counter c ORDER BY clinic_id"
                #expect(
                    try await pool.ask(counted).map { try $0.text(0) }
                        == team.superuser.ask(counted).map { try $0.text(0) })
                #expect(try await Migrator(pool: pool).apply().isEmpty)
            }
        }
    }

    @Test func `leaves its counting to the application until something is counted here`()
        async throws
    {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            try await team.lendLedger { ledger in
                let current = try await ledger.usage.currentMonth()
                // The application goes on: a roll-up must not take back what it counts.
                try await team.app.ask(
                    "UPDATE api_usage SET api_calls = api_calls + 5 WHERE month = $1::date",
                    [.text("\(current)-01")])
                let going = try await team.usage()
                for month in try await ledger.usage.dueMonths() {
                    _ = try await ledger.usage.rollUp(month)
                }
                var month = current
                for _ in 1...5 {
                    month = try #require(month.previous)
                    #expect(try await ledger.usage.rollUp(month).closedBuckets == 64)
                }
                #expect(try await team.usage() == going)

                // Clinics 2 and 3 call for the first time; clinic 1 has another row, on the tenth.
                let preview = try await team.count(in: ledger, [1: 10, 2: 20, 20: 30])
                #expect(preview == [1: 1_022, 2: 2_025, 20: 30])
                _ = try await ledger.usage.rollUp(current)
                let calls = try await team.calls(current)
                #expect(calls[1] == 1_022 && calls[2] == 2_025 && calls[20] == 30)
                #expect(calls[3] == 3_005 && calls[16] == 2_147_483_605)
                // From now on the ledger rules there.
                try await team.app.script("UPDATE api_usage SET api_calls = 0 WHERE api_calls > 0")
                _ = try await team.count(in: ledger, [1: 11])
                _ = try await ledger.usage.rollUp(current)
                let later = try await team.calls(current)
                #expect(later[1] == 1_023 && later[2] == 2_025 && later[3] == 0)
                #expect(try await ledger.usage.rollUp(current).written == 0)
            }
            let imported = try await team.superuser.ask(
                "SELECT count(DISTINCT month) FROM metering.usage_month WHERE state = 'imported'")
            #expect(try imported[0].int64(0) == 6)
        }
    }

    @Test func `lists what was odd in old usage`() async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            let odd = try await team.superuser.ask(
                """
                SELECT DISTINCT split_part(detail, ' (', 1) AS detail FROM metering.attention
                WHERE kind = 'odd_usage' AND resolved_at IS NULL ORDER BY 1
                """
            ).map { try $0.text(0) }
            #expect(odd.contains("api_calls is empty; it counts as 0"))
            #expect(odd.contains("storage_used is empty"))
            #expect(
                odd.contains(
                    "the month is not the first of a month; it counts as 2024-05; "
                        + "api_calls is below zero"))
        }
    }

    @Test func `goes on for all others when a total is too large for INT, and widens on request`()
        async throws
    {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            try await team.lendLedger { ledger in
                let current = try await ledger.usage.currentMonth()
                _ = try await team.count(in: ledger, [16: 1_000, 2: 1])
                #expect(try await ledger.usage.previewRollUp(current).tooLarge == 1)
                let rollup = try await ledger.usage.rollUp(current)
                #expect(rollup.tooLarge == 1 && rollup.written == 1)
                let calls = try await team.calls(current)
                #expect(calls[16] == 2_147_483_600 && calls[2] == 2_001)
                #expect(try await team.attention("int_overflow") == 1)

                #expect(try await team.migrator.run(.wideUsage).count == 1)
                #expect(try await team.migrator.run(.wideUsage) == [])
                #expect(try await ledger.usage.rollUpDue().map(\.written) == [1])
                #expect(try await team.calls(current)[16] == 2_147_484_600)
                #expect(try await team.attention("int_overflow") == 0)
            }
        }
    }

    @Test func `keeps the application's storage until every file has a size`() async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            try await team.lendLedger { ledger in
                let current = try await ledger.usage.currentMonth()
                _ = try await team.count(in: ledger, [2: 1])
                try await team.app.script(
                    "UPDATE file_storage SET size_bytes = 7 WHERE s3_path = 's3://files/1'")
                _ = try await ledger.usage.rollUp(current)
                #expect(try await team.storage(current, clinic: 2) == 200_000)
                try await team.app.script("UPDATE file_storage SET size_bytes = 7")
                _ = try await ledger.usage.rollUp(current)
                let files = try await team.superuser.ask(
                    "SELECT 7 * count(*) FROM file_storage WHERE clinic_id = md5('clinic 2')::uuid")
                #expect(try await team.storage(current, clinic: 2) == files[0].int64(0))
            }
        }
    }

    @Test(arguments: [false, true])
    func `observes limits at first, and keeps them when told to`(rowSecurity: Bool) async throws {
        try await TeamDatabase.lend(rowSecurity: rowSecurity) { team in
            _ = try await team.migrator.apply()
            // Clinic 3 is on the plan Solo, with room for two people and ten patients.
            let more =
                "INSERT INTO patients (name, clinic_id) SELECT 'n', md5('clinic 3')::uuid "
                + "FROM generate_series(1, 20)"
            try await team.owner.script(more)
            let admin = try team.pool(of: Login.admin)
            let ledger = Ledger(pool: admin)
            #expect(try await ledger.limits.mode().isEnforced == false)
            #expect(try await ledger.limits.exceeded().isEmpty == false)
            #expect(try await ledger.limits.enforce(true))
            let error = await #expect(throws: PostgresError.self) {
                try await team.owner.script(more)
            }
            #expect(error?.sqlState == "BQ002")
            try await team.owner.script(
                """
                DELETE FROM patients WHERE clinic_id = md5('clinic 3')::uuid
                    AND id NOT IN (SELECT patient_id FROM file_storage WHERE patient_id IS NOT NULL)
                """)
            try await team.owner.script(
                "INSERT INTO patients (clinic_id) VALUES (md5('clinic 3')::uuid)")
            try await expectNoDrift(ledger, clinics: 20)
            await admin.close()
        }
    }

    @Test func `is reported, also clinics that say not since when they are there`() async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            let admin = try team.pool(of: Login.admin)
            let ledger = Ledger(pool: admin)
            var names: Set<String> = []
            try await ledger.reports.rows(of: try await ledger.usage.currentMonth()) {
                names.insert($0.name)
            }
            #expect(names.count == 20)
            await admin.close()
        }
    }

    @Test func `runs TRUNCATE at every isolation level while limits are observed`() async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            for level in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
                try await team.app.script(
                    """
                    BEGIN ISOLATION LEVEL \(level); TRUNCATE file_storage;
                    TRUNCATE users, clinic_staff, patients, file_storage; ROLLBACK;
                    """)
            }
        }
    }
}

// MARK: Row security, and the way back

@Suite(.timed) struct `Row security of an attached database` {
    @Test func `is switched on after listing who would see nothing`() async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            let blind = try await team.migrator.blindLogins(forced: false)
            #expect(blind.map(\.login) == [TeamDatabase.appLogin])
            #expect(blind.first?.tables.contains("api_usage, audit_logs, clinic_staff") == true)
            #expect(try await team.migrator.tablesWithoutClinic() == ["visits"])
            #expect(try await team.migrator.run(.rowSecurity).count == 7)
            #expect(try await team.migrator.run(.rowSecurity) == [])
            #expect(try await team.migrator.blindLogins(forced: false) == [])

            // clinic_app sees its clinic, the application's login nothing, the worker counts all.
            let app = try team.pool(of: Login.app)
            let seen = try await app.withConnection { connection in
                try await connection.transaction { connection in
                    try await connection.script(
                        """
                        SELECT set_config('app.current_clinic_id', md5('clinic 2')::uuid::text, true)
                        """)
                    return try await connection.query(
                        PostgresStatement("SELECT count(*), count(DISTINCT clinic_id) FROM users"))
                }
            }
            #expect(try seen[0].int64(0) > 0)
            #expect(try seen[0].int64(1) == 1)
            await app.close()
            #expect(try await team.app.ask("SELECT FROM users").isEmpty)
            try await team.lendLedger { ledger in
                _ = try await team.count(in: ledger, [1: 10])
                #expect(try await ledger.usage.rollUp(ledger.usage.currentMonth()).written == 1)
                try await expectNoDrift(ledger, clinics: 20)
            }
        }
    }

    @Test func `can be forced, also in a new database, and counting goes on`() async throws {
        try await TeamDatabase.lend { team in
            _ = try await team.migrator.apply()
            _ = try await team.migrator.run(.rowSecurity)
            #expect(try await team.migrator.run(.forcedRowSecurity).count == 8)
            try await team.owner.script("UPDATE patients SET name = 'n'")
            try await team.lendLedger { ledger in
                try await expectNoDrift(ledger, clinics: 20)
            }
        }
        try await TestDatabase.lend { new in
            let migrator = Migrator(pool: new.owner)
            #expect(try await migrator.run(.rowSecurity) == [])
            #expect(try await migrator.run(.wideUsage) == [])
            #expect(try await migrator.run(.forcedRowSecurity).count == 15)
            #expect(try await migrator.run(.forcedRowSecurity) == [])
            try await new.makeClinics(2)
            try await new.owner.script(
                "INSERT INTO patients (name, clinic_id) SELECT 'n', clinic_id FROM clinics")
            try await expectNoDrift(new.ledger, clinics: 2)
        }
    }

    @Test func `and all else that was added goes away by the statements of the page`() async throws
    {
        let page = try String(
            contentsOfFile: "\(ProjectRoot.path)/docs/attach.md", encoding: .utf8)
        let blocks = page.split(separator: "```sql\n").dropFirst()
            .compactMap { $0.split(separator: "```").first.map(String.init) }
        let back = try #require(blocks.first { $0.contains("DROP SCHEMA metering CASCADE") })
        for rowSecurity in [false, true] {
            try await TeamDatabase.lend(rowSecurity: rowSecurity) { team in
                let before = try await team.schema()
                let rows = try await team.rows(team.columns())
                _ = try await team.migrator.apply()
                try await team.owner.script(back)
                #expect(try await team.schema() == before)
                #expect(try await team.rows(team.columns()) == rows)
                #expect(try await team.migrator.apply().files == MigrationFile.attaching)
            }
        }
    }
}

/// Counts all rows again; the counters were right.
private func expectNoDrift(_ ledger: Ledger, clinics: Int) async throws {
    var wrong: [CounterDrift] = []
    let counted = try await ledger.limits.recount { drift, _ in wrong += drift }
    #expect(wrong.isEmpty && counted == RecountOutcome(clinics: clinics))
}
