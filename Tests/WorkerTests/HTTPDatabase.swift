import Ledger
import LocalServers
import Logging
import Metering
import Postgres
import Synchronization
import TestSupport

/// A migrated database of one worker under test, copied from a template that each server gets once.
struct HTTPDatabase: Sendable {
    let name: String
    let server: LocalPostgres
    /// Connects as the superuser: what a test prepares and looks at.
    let owner: PostgresPool

    static let login = "http_worker"
    private static let password = "kept to the tests"
    private static let count = Atomic<Int>(0)
    private static let template = Mutex<Task<String, any Error>?>(nil)

    /// A database on the server that all tests share.
    static func make() async throws -> HTTPDatabase {
        let server = try await TestServers.shared().postgres
        let task = template.withLock { task in
            if let task { return task }
            let new = Task { try await makeTemplate(on: server) }
            task = new
            return new
        }
        return try await make(on: server, from: try await task.value)
    }

    /// A database on a server of the test's own, which it may stop.
    static func make(onlyOn server: LocalPostgres) async throws -> HTTPDatabase {
        try await MonthEnd.pass()
        return try await make(on: server, from: try await makeTemplate(on: server))
    }

    private static func make(
        on server: LocalPostgres, from template: String
    ) async throws -> HTTPDatabase {
        let name = "http_test_\(count.add(1, ordering: .relaxed).newValue)"
        try await server.createDatabase(name, template: template)
        return HTTPDatabase(
            name: name, server: server, owner: try pool(server.superuserURL(database: name)))
    }

    private static func makeTemplate(on server: LocalPostgres) async throws -> String {
        let name = "http_template"
        try await server.createDatabase(name)
        let pool = try pool(server.superuserURL(database: name))
        _ = try await Migrator(pool: pool).apply()
        try await pool.script(
            """
            DO $$ BEGIN CREATE ROLE \(login) LOGIN PASSWORD '\(password)';
            EXCEPTION WHEN duplicate_object THEN NULL; END $$;
            GRANT metering_worker TO \(login);
            """)
        await pool.close()
        return name
    }

    private static func pool(_ url: String) throws -> PostgresPool {
        var configuration = try PostgresConfiguration(url)
        configuration.callTimeout = .seconds(60)
        return PostgresPool(configuration: configuration, logger: .silent)
    }

    /// The address for the worker's login.
    var url: String { server.url(user: Self.login, password: Self.password, database: name) }

    func drop() async {
        await owner.close()
        try? await server.dropDatabase(name)
    }

    /// Runs one statement and returns its rows.
    @discardableResult
    func ask(_ text: String, _ parameters: [PostgresValue] = []) async throws -> [PostgresRow] {
        let statement = PostgresStatement(name: "http_\(text.hashValue.magnitude)", text: text)
        return try await owner.query(statement, parameters)
    }

    /// The one number that a statement answers.
    func number(_ text: String, _ parameters: [PostgresValue] = []) async throws -> Int64 {
        guard let row = try await ask(text, parameters).first else { return 0 }
        return try row.int64(0)
    }
}

// MARK: Clinics

extension HTTPDatabase {
    /// A new clinic, and with a plan its subscription.
    ///
    /// - Parameter metering: The key `metering` of the plan's features; nil = no subscription.
    func clinic(
        _ metering: String?, status: String = "active"
    ) async throws -> ClinicID {
        let clinic = ClinicID(
            high: .random(in: .min ... .max), low: .random(in: .min ... .max))
        try await ask(
            "INSERT INTO clinics (clinic_id, name, subdomain) VALUES ($1::text::uuid, 'Clinic', $1)",
            [.text("\(clinic)")])
        guard let metering else { return clinic }
        let rows = try await ask(
            """
            INSERT INTO subscription_plans (name, max_users, max_patients, features)
            VALUES ($1, 10, -1, jsonb_build_object('metering', $2::jsonb)) RETURNING plan_id
            """, [.text("plan of \(clinic)"), .text(metering)])
        try await ask(
            """
            INSERT INTO clinic_subscriptions (clinic_id, plan_id, start_date, end_date, payment_status)
            VALUES ($1::text::uuid, $2, '2026-01-01', '2099-01-01', $3)
            """, [.text("\(clinic)"), .int64(try rows[0].int64(0)), .text(status)])
        return clinic
    }

    /// Replaces the key `metering` of the clinic's plan.
    func editPlan(of clinic: ClinicID, _ metering: String) async throws {
        try await ask(
            """
            UPDATE subscription_plans SET features = jsonb_build_object('metering', $2::jsonb)
            WHERE plan_id = (SELECT plan_id FROM clinic_subscriptions WHERE clinic_id = $1::text::uuid)
            """, [.text("\(clinic)"), .text(metering)])
    }

    /// Net units that the ledger holds for a clinic, in all months and epochs.
    func counted(_ clinic: ClinicID) async throws -> Int64 {
        try await number(
            """
            SELECT coalesce(sum(used - credited), 0)::bigint FROM metering.usage_checkpoint
            WHERE clinic_id = $1::text::uuid
            """, [.text("\(clinic)")])
    }
}

extension Logger {
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
