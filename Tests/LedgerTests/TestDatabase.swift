import Ledger
import LocalServers
import Logging
import Metering
import Postgres
import Synchronization
import TestSupport
import Values

/// A migrated database of one test's own, copied from a template that each process migrates once.
struct TestDatabase: Sendable {
    let name: String
    let server: LocalPostgres
    /// Connects as the superuser, for what a test prepares and looks at.
    let owner: PostgresPool
    /// Connects as the worker's login.
    let worker: PostgresPool
    let ledger: Ledger

    /// Lends a database to `body` and drops it.
    static func lend(_ body: (TestDatabase) async throws -> Void) async throws {
        let server = try await TestServers.shared().postgres
        let template = try await Template.shared()
        let name = Self.freshName()
        try await server.createDatabase(name, template: template)
        let database = try TestDatabase(name, on: server)
        do {
            try await body(database)
        } catch {
            await database.end()
            throw error
        }
        await database.end()
    }

    /// An empty database, and a pool of its superuser.
    static func lendEmpty(_ body: (PostgresPool, String) async throws -> Void) async throws {
        let server = try await TestServers.shared().postgres
        let name = Self.freshName()
        try await server.createDatabase(name)
        let pool = try Self.pool(server.superuserURL(database: name))
        do {
            try await body(pool, name)
        } catch {
            await pool.close()
            try await server.dropDatabase(name)
            throw error
        }
        await pool.close()
        try await server.dropDatabase(name)
    }

    private init(_ name: String, on server: LocalPostgres) throws {
        self.name = name
        self.server = server
        owner = try Self.pool(server.superuserURL(database: name))
        worker = try Self.pool(
            server.url(user: Login.worker, password: Login.password, database: name))
        ledger = Ledger(pool: worker)
    }

    private func end() async {
        await owner.close()
        await worker.close()
        try? await server.dropDatabase(name)
    }

    /// A pool of another login.
    func pool(of login: String) throws -> PostgresPool {
        try Self.pool(server.url(user: login, password: Login.password, database: name))
    }

    static func pool(_ url: String, size: Int = 8) throws -> PostgresPool {
        var configuration = try PostgresConfiguration(url)
        configuration.poolSize = size
        configuration.waitTimeout = .seconds(60)
        configuration.callTimeout = .seconds(60)
        return PostgresPool(
            configuration: configuration,
            logger: Logger(label: "test") { _ in
                SwiftLogNoOpLogHandler()
            })
    }

    private static let count = Atomic<Int>(0)

    private static func freshName() -> String {
        "ledger_test_\(count.add(1, ordering: .relaxed).newValue)"
    }
}

/// The logins of the tests, one for each role.
enum Login {
    static let worker = "test_worker"
    static let admin = "test_admin"
    static let app = "test_app"
    static let owner = "test_owner"
    static let password = "kept to the tests"
}

/// The migrated database that others are copied from.
enum Template {
    private static let made = Mutex<Task<String, any Error>?>(nil)

    static func shared() async throws -> String {
        let task = made.withLock { task in
            if let task { return task }
            let new = Task { try await make() }
            task = new
            return new
        }
        return try await task.value
    }

    private static func make() async throws -> String {
        let name = "ledger_template"
        let server = try await TestServers.shared().postgres
        try await server.createDatabase(name)
        let pool = try TestDatabase.pool(server.superuserURL(database: name))
        _ = try await Migrator(pool: pool).apply()
        for (login, role) in [
            (Login.worker, "metering_worker"), (Login.admin, "billing_admin"),
            (Login.app, "clinic_app"), (Login.owner, "metering_owner"),
        ] {
            try await pool.script(
                """
                DO $$ BEGIN CREATE ROLE \(login) LOGIN PASSWORD '\(Login.password)';
                EXCEPTION WHEN duplicate_object THEN NULL; END $$;
                GRANT \(role) TO \(login);
                """)
        }
        await pool.close()
        return name
    }
}

extension PostgresPool {
    /// Runs one statement of a test's own.
    @discardableResult
    func ask(_ text: String, _ parameters: [PostgresValue] = []) async throws -> [PostgresRow] {
        try await query(PostgresStatement(text), parameters)
    }
}

extension PostgresStatement {
    /// A statement of a test's own, named by its text.
    init(_ text: String) {
        self.init(name: "test_\(text.hashValue.magnitude)", text: text)
    }
}

extension ClinicID {
    /// The clinic that a test calls number `number`.
    static func numbered(_ number: Int) -> ClinicID {
        ClinicID(high: 0xC11_0000_0000_4000, low: 0x8000_0000_0000_0000 | UInt64(number))
    }
}

extension TestDatabase {
    /// Makes clinics 1…`count` with a subdomain each, older than any month that a test writes down.
    func makeClinics(_ count: Int) async throws {
        try await owner.ask(
            """
            INSERT INTO clinics (clinic_id, name, subdomain, created_at)
            SELECT id, 'Clinic ' || place, 'clinic-' || place, '2020-01-01 00:00+00'
            FROM unnest($1::uuid[]) WITH ORDINALITY AS c (id, place)
            """,
            [
                .uuidArray(
                    (1...count).map { ClinicID.numbered($0).id })
            ])
    }

    /// Makes a plan without features beside what is given, and returns its number.
    @discardableResult
    func makePlan(_ name: String, features: String = "{}") async throws -> Int64 {
        let rows = try await owner.ask(
            """
            INSERT INTO subscription_plans (name, max_users, max_patients, features)
            VALUES ($1, 10, -1, $2::jsonb) RETURNING plan_id
            """, [.text(name), .text(features)])
        return try rows[0].int64(0)
    }

    func subscribe(_ clinic: ClinicID, to plan: Int64, status: String = "active") async throws {
        try await owner.ask(
            """
            INSERT INTO clinic_subscriptions (clinic_id, plan_id, start_date, end_date, payment_status)
            VALUES ($1::text::uuid, $2, '2026-01-01', '2027-01-01', $3)
            """, [.text("\(clinic)"), .int64(plan), .text(status)])
    }

    /// api_usage as text, in order: what "identical bytes" are compared by.
    func usageTable() async throws -> [String] {
        try await owner.ask("SELECT u::text FROM api_usage u ORDER BY month, clinic_id")
            .map { try $0.text(0) }
    }

    /// Ends the session that commits the first new row of a table, and `more` after it, in the midst of
    /// COMMIT.
    func loseFirstCommit(of table: String, and more: Int = 0) async throws {
        try await owner.script(
            """
            CREATE SEQUENCE public.commits;
            CREATE FUNCTION public.lose_commit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
            $$ BEGIN
                IF nextval('public.commits') <= \(more + 1) THEN
                    PERFORM pg_terminate_backend(pg_backend_pid());
                END IF;
                RETURN NULL;
            END $$;
            CREATE CONSTRAINT TRIGGER lose_commit AFTER INSERT ON \(table)
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.lose_commit();
            """)
    }

    /// How many rows were about to be committed since `loseFirstCommit`.
    func commits() async throws -> Int64 {
        try await owner.ask("SELECT last_value FROM public.commits")[0].int64(0)
    }

    /// Waits until somebody waits for a lock in this database.
    func waitForBlocked(_ count: Int64 = 1) async throws {
        try await owner.waitForBlocked(count)
    }
}

extension PostgresPool {
    /// Waits until somebody waits for a lock in this pool's database.
    func waitForBlocked(_ count: Int64 = 1) async throws {
        try await waitUntil("\(count) sessions wait for a lock") {
            let rows = try await ask(
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'
                """)
            return try rows[0].int64(0) >= count
        }
    }
}

/// A row of clinic number `clinic` in 2026-`month`.
func checkpoint(
    clinic: Int, month: Int = 11, epoch: UInt64 = 1, used: Int64, credited: Int64 = 0,
    observedAt: Int64 = 1_795_428_007_000_000
) throws -> UsageCheckpoint {
    guard let month = Month(year: 2026, month: month) else { throw WrongMonth() }
    return UsageCheckpoint(
        month: month, clinic: .numbered(clinic), epoch: Epoch(rawValue: epoch), used: used,
        credited: credited, observedAt: observedAt)
}

struct WrongMonth: Error {}

func month(_ text: String) throws -> Month {
    guard let month = Month(text) else { throw WrongMonth() }
    return month
}
