import DatabaseSupport
import FoundationEssentials
import LocalServers
import Postgres
import TestSupport
import Testing

@testable import Ledger

/// What CONTRIBUTING.md says under "a migration" and "a function", asked of the catalog.
@Suite(.timed) struct `The schema` {
    /// Stand in the baseline, because something stored depends on them.
    private static let fixed = ["bucket", "plan_amount"]

    @Test func `is made by the files of both folders, each in its list`() throws {
        let folder = "\(ProjectRoot.path)/Sources/Ledger"
        let functions = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/Functions")
        #expect(functions.sorted() == FunctionFile.all.map { "\($0.name).sql" }.sorted())
        let migrations = try FileManager.default.contentsOfDirectory(
            atPath: "\(folder)/Migrations")
        let listed = Set((MigrationFile.all + MigrationFile.attaching).map(\.name))
        #expect(Set(migrations) == listed)
        for files in [MigrationFile.all, MigrationFile.attaching] {
            #expect(files.map(\.version) == (1...Int64(files.count)).map { $0 })
        }
    }

    /// A file that ran after functions or triggers would run after later files in a new database.
    @Test func `has no numbered file that waits for functions or triggers`() {
        for file in MigrationFile.all + MigrationFile.attaching {
            #expect(!file.text.contains("-- after the functions"), "\(file.name)")
            #expect(!file.text.contains("-- with the triggers of"), "\(file.name)")
            #expect(!file.text.contains("CREATE TRIGGER"), "\(file.name)")
        }
    }

    @Test func `has each function and view in one file, and under one name`() async throws {
        try await TestDatabase.lend { database in
            let names = try await database.owner.ask(
                """
                SELECT proname AS name FROM pg_proc WHERE pronamespace = 'metering'::regnamespace
                UNION ALL SELECT relname FROM pg_class
                WHERE relnamespace = 'metering'::regnamespace AND relkind IN ('v', 'm')
                """
            ).map { try $0.text("name") }
            #expect(names.sorted() == (FunctionFile.all.map(\.name) + Self.fixed).sorted())
        }
    }

    /// Replacing the body of one that is used there would leave what was stored by the old one.
    @Test func `uses no repeatable function in a column, index, constraint or policy`()
        async throws
    {
        try await TestDatabase.lend { database in
            let used = try await database.owner.ask(
                """
                SELECT DISTINCT p.proname AS name FROM pg_depend d
                JOIN pg_proc p ON p.oid = d.refobjid AND p.pronamespace = 'metering'::regnamespace
                LEFT JOIN pg_class c ON c.oid = d.objid AND d.classid = 'pg_class'::regclass
                WHERE d.refclassid = 'pg_proc'::regclass AND (c.relkind IN ('i', 'I')
                    OR d.classid IN ('pg_attrdef'::regclass, 'pg_constraint'::regclass,
                        'pg_policy'::regclass))
                ORDER BY 1
                """
            ).map { try $0.text("name") }
            #expect(used == Self.fixed)
        }
    }

    @Test func `keeps every function from PUBLIC`() async throws {
        try await TestDatabase.lend { database in
            let open = try await database.owner.ask(
                """
                SELECT proname FROM pg_proc WHERE pronamespace = 'metering'::regnamespace
                  AND (proacl IS NULL OR EXISTS (SELECT FROM aclexplode(proacl) WHERE grantee = 0))
                """
            ).map { try $0.text(0) }
            #expect(open == [])
        }
    }

    /// The tables, their keys and two indexes are the team's own design.
    @Test(arguments: MigrationWay.bothWays)
    func `names all of its own among the application's tables metering_…`(
        way: MigrationWay
    ) async throws {
        let query = """
            SELECT tgname::text AS name FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
            UNION SELECT polname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
            WHERE c.relnamespace = 'public'::regnamespace
            UNION SELECT conname FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace AND contype = 'c'
            UNION SELECT c.relname FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
            WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
              AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid)
            UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            """
        func names(_ pool: PostgresPool) async throws -> Set<String> {
            Set(try await pool.ask(query).map { try $0.text("name") })
        }
        var ours: Set<String> = []
        switch way {
        case .new:
            try await TestDatabase.lend { database in
                ours = try await names(database.owner)
                #expect(ours.isSuperset(of: ["idx_patients_clinic", "idx_visits_clinic_date"]))
                ours.subtract(["idx_patients_clinic", "idx_visits_clinic_date"])
            }
        case .attached:
            try await TeamDatabase.lend { team in
                let before = try await names(team.superuser)
                _ = try await team.migrator.apply()
                ours = try await names(team.superuser).subtracting(before)
            }
        }
        #expect(ours.count > 20)
        #expect(ours.filter { !$0.hasPrefix("metering_") } == [])
    }

    /// PostgreSQL cuts a longer name to 63 bytes, and then two could be one.
    @Test func `has no name that PostgreSQL would cut`() async throws {
        try await TestDatabase.lend { database in
            let long = try await database.owner.ask(
                """
                SELECT name::text FROM (
                    SELECT relname AS name FROM pg_class UNION ALL SELECT proname FROM pg_proc
                    UNION ALL SELECT tgname FROM pg_trigger UNION ALL SELECT polname FROM pg_policy
                    UNION ALL SELECT conname FROM pg_constraint) AS named
                WHERE octet_length(name::text) >= 63
                """
            ).map { try $0.text(0) }
            #expect(long == [])
        }
    }
}

extension MigrationWay {
    static let bothWays: [MigrationWay] = [.new, .attached]
}
