import DatabaseSupport
import FoundationEssentials
import LocalServers
import Postgres
import Synchronization
import TestSupport

@testable import Ledger

/// A database as a team has it before it meets this program: the document's statements and 1,000 rows,
/// owned by a login that is no superuser, with a login of the application.
struct TeamDatabase: Sendable {
    let name: String
    let server: LocalPostgres
    let superuser: PostgresPool
    /// Owns the tables; may act as `metering_owner`, and create neither roles nor databases.
    let owner: PostgresPool
    /// The application's own login.
    let app: PostgresPool

    static let ownerLogin = "team_owner"
    static let appLogin = "team_app"
    /// The application's tables, those that others refer to first.
    static let tables = [
        "clinics", "users", "patients", "visits", "clinic_staff", "subscription_plans",
        "clinic_subscriptions", "api_usage", "file_storage", "audit_logs",
    ]

    /// - Parameter rowSecurity: Whether the team has row security of its own on its tables.
    static func lend(
        rowSecurity: Bool = false, rows: Bool = true, _ body: (TeamDatabase) async throws -> Void
    ) async throws {
        let server = try await TestServers.shared().postgres
        let name = "team_\(count.add(1, ordering: .relaxed).newValue)"
        try await server.createDatabase(name)
        try await withResource(
            { try TeamDatabase(name, on: server) }, release: { try await $0.drop() }
        ) { database in
            try await database.prepare(rowSecurity: rowSecurity, rows: rows)
            try await body(database)
        }
    }

    private static let count = Atomic<Int>(0)

    private init(_ name: String, on server: LocalPostgres) throws {
        self.name = name
        self.server = server
        superuser = try TestDatabase.pool(server.superuserURL(database: name))
        owner = try TestDatabase.pool(Self.url(Self.ownerLogin, name, server))
        app = try TestDatabase.pool(Self.url(Self.appLogin, name, server))
    }

    private static func url(_ login: String, _ name: String, _ server: LocalPostgres) -> String {
        server.url(user: login, password: Login.password, database: name)
    }

    func url(_ login: String) -> String { Self.url(login, name, server) }

    private func drop() async throws {
        for pool in [superuser, owner, app] { await pool.close() }
        try await server.dropDatabase(name)
    }

    /// A pool of a login with one of our roles, once the database is attached.
    func pool(of login: String) throws -> PostgresPool { try TestDatabase.pool(url(login)) }

    var migrator: Migrator { Migrator(pool: owner) }

    /// Lends the ledger as the worker reaches it.
    func lendLedger(_ body: (Ledger) async throws -> Void) async throws {
        try await withResource({ try pool(of: Login.worker) }, release: { await $0.close() }) {
            try await body(Ledger(pool: $0))
        }
    }
}

// MARK: Making it

extension TeamDatabase {
    /// A statement of the document, and the SQLSTATE that PostgreSQL refuses it with.
    struct DocumentStatement {
        let text: String
        let refusal: SQLState?
    }

    static func document() throws -> [DocumentStatement] {
        try fixture("team-tables.sql").split(separator: ";\n").map { text in
            let refusal = text.split(separator: "\n").first { $0.hasPrefix("-- refused: ") }
            return DocumentStatement(
                text: String(text),
                refusal: refusal.flatMap { SQLState(String($0.dropFirst(12).prefix(5))) })
        }
    }

    private static func fixture(_ name: String) throws -> String {
        try String(contentsOfFile: "\(ProjectRoot.path)/Tests/Fixtures/\(name)", encoding: .utf8)
    }

    private func prepare(rowSecurity: Bool, rows: Bool) async throws {
        try await TeamLogins.made.value
        try await superuser.script("ALTER DATABASE \(name) OWNER TO \(Self.ownerLogin)")
        for statement in try Self.document() where statement.refusal == nil {
            try await owner.script(statement.text)
        }
        if rows { try await owner.script(try Self.fixture("team-rows.sql")) }
        try await owner.script(
            """
            GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public
                TO \(Self.appLogin);
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO \(Self.appLogin);
            """)
        guard rowSecurity else { return }
        // As a team writes it: an unset setting is an error, and everybody is meant.
        for table in ["users", "patients", "clinic_subscriptions", "api_usage", "file_storage"] {
            try await owner.script(
                """
                ALTER TABLE \(table) ENABLE ROW LEVEL SECURITY;
                CREATE POLICY clinic_isolation ON \(table)
                    USING (clinic_id = current_setting('app.current_clinic_id')::uuid);
                """)
        }
    }
}

/// The logins of a team, made once: roles belong to the server.
private enum TeamLogins {
    static let made = MadeOnce<Void> {
        // Migrates its database, which makes the four roles and the logins of other tests.
        _ = try await MigratedTemplate.name
        let server = try await TestServers.shared().postgres
        _ = try await server.client(
            "psql", ["-Xq", "-v", "ON_ERROR_STOP=1"],
            input: """
                CREATE ROLE \(TeamDatabase.ownerLogin) LOGIN PASSWORD '\(Login.password)';
                CREATE ROLE \(TeamDatabase.appLogin) LOGIN PASSWORD '\(Login.password)';
                GRANT metering_owner TO \(TeamDatabase.ownerLogin);
                """)
    }
}

// MARK: Looking at it

extension TeamDatabase {
    /// Every row of every table as text, in the columns that the table has now.
    func columns() async throws -> [String: String] {
        let rows = try await superuser.ask(
            """
            SELECT c.relname AS name, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
              AND NOT a.attisdropped GROUP BY c.relname
            """)
        return try Dictionary(
            uniqueKeysWithValues: rows.map { (try $0.text("name"), try $0.text("columns")) })
    }

    /// The text of every row in some columns of each table.
    func rows(_ columns: [String: String]) async throws -> [String: [String]] {
        var rows: [String: [String]] = [:]
        for (table, columns) in columns {
            rows[table] = try await superuser.ask(
                "SELECT ROW(\(columns))::text FROM \(table)"
            ).map { try $0.text(0) }.sorted()
        }
        return rows
    }

    /// `pg_dump --schema-only`, without the comments and the token that changes with every dump.
    func schema(_ options: [String] = []) async throws -> [String] {
        try await Self.schema(of: name, options, on: server)
    }

    static func schema(
        of database: String, _ options: [String] = [], on server: LocalPostgres
    ) async throws -> [String] {
        try await server.client("pg_dump", ["--schema-only"] + options, database: database)
            .split(separator: "\n").map(String.init)
            .filter { !$0.hasPrefix("--") && !$0.contains("restrict ") }
    }

    /// The triggers of the application's tables, without the server's own for foreign keys.
    static func triggers(_ pool: PostgresPool) async throws -> [String] {
        try await pool.ask(
            """
            SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal ORDER BY 1
            """
        ).map { try $0.text(0) }
    }
}
