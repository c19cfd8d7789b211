import DatabaseSupport
import LocalServers
import Logging
import Postgres
import TestSupport
import Testing

@Suite(.timed) struct `Postgres configuration` {
    @Test(arguments: [
        ("postgres://ann@db.example:5433/clinics", "postgres://ann@db.example:5433/clinics"),
        ("postgresql://ann:canary@db.example/clinics", "postgres://ann@db.example/clinics"),
        ("postgres://ann:can%40ary@[::1]:1/x", "postgres://ann@::1:1/x"),
        ("postgres://a,b:1/x", "postgres://a,b:,1/x"),
        ("host=db user=ann password=canary dbname=x", "postgres://ann@db/x"),
        ("host=db user=ann password='can ary' port=7", "postgres://ann@db:7"),
        ("postgres:///x?host=/run/pg&password=canary", "postgres:///x on socket /run/pg"),
        ("service=canary-free", "postgres service canary-free"),
        ("postgres://", "postgres://"),
    ])
    func `shows where and who, never the password`(address: String, shown: String) throws {
        var configuration = try PostgresConfiguration(address)
        configuration.password = "canary"
        #expect("\(configuration)" == shown)
        #expect(String(reflecting: configuration) == shown)
    }

    @Test(arguments: [
        "", "canary", "mysql://ann:canary@db/x", "host=db canary", "host='canary",
        "postgres://ann:canary@db/x?nope=1", "postgres://ann:canary@db/x?sslmode",
        "postgres://ann:can%4ary@db/x%zz", "postgres://ann:can%00ary@db/x",
        "postgres://[::1/canary", "postgres://ann:can@ary@db/x", "postgres://ann:can/ary@db/x",
        "postgres://ann:can:ary@db:canary/x", "postgres://db:0/x", "postgres://db:65536/x",
        "host=db port=canary", "host=db\u{0}canary", "postgres://ann:1/canary@db/x",
    ])
    func `refuses a malformed address without repeating it`(address: String) {
        let error = #expect(throws: PostgresError.self) { try PostgresConfiguration(address) }
        guard case .configuration(let problem) = error else {
            Issue.record("not a configuration error: \(String(describing: error))")
            return
        }
        #expect(!problem.contains("ary"))
        #expect(problem.hasPrefix("the PostgreSQL address"))
        #expect(error?.remedy == .fixSettings)
    }

    @Test func `sets up a session in UTC with ISO dates and our name`() async throws {
        let database = try await TestDatabase.empty()
        try await database.pool().execute(
            sql("ALTER DATABASE \(database.name) SET TimeZone = 'Asia/Kolkata'"))
        try await database.pool().execute(
            sql("ALTER DATABASE \(database.name) SET DateStyle = 'German'"))
        let pool = try database.pool()
        let rows = try await pool.query(
            sql(
                """
                SELECT current_setting('TimeZone') zone, current_setting('DateStyle') style,
                current_setting('client_encoding') encoding,
                current_setting('application_name') name, 'epoch'::timestamptz moment
                """))
        let row = try #require(rows.first)
        #expect(try row.text("zone") == "UTC")
        #expect(try row.text("style") == "ISO, MDY")
        #expect(try row.text("encoding") == "UTF8")
        #expect(try row.text("name") == "metering-worker")
        #expect(try row.timestamp("moment") == 0)
        await pool.close()
    }
}

@Suite(.timed) struct `Connecting` {
    private let logger = Logger(label: "test")

    @Test func `tells a wrong password from a missing database and a closed port`() async throws {
        let database = try await TestDatabase.empty()
        try await database.pool().script("CREATE ROLE locked LOGIN PASSWORD 'right'")
        let wrong = database.server.url(
            user: "locked", password: "canary", database: database.name)
        #expect(try await connecting(wrong) == .authentication("28P01"))

        let missing = database.server.superuserURL(database: "nowhere")
        let absent = try await connecting(missing)
        #expect(absent.sqlState == .undefinedDatabase)
        #expect(absent.remedy == .fixSettings)
        #expect("\(absent)".contains("database \"nowhere\" does not exist"))

        let port = try FreePorts.unused()
        let closed = try await connecting("postgres://ann:canary@127.0.0.1:\(port)/x")
        #expect(closed.sqlState == nil)
        #expect(closed.remedy == .retry)
        #expect("\(closed)".contains("127.0.0.1"))
        #expect(!"\(closed)".contains("canary"))
    }

    @Test func `asks the source of the password before each connection`() async throws {
        let database = try await TestDatabase.empty()
        try await database.pool().script("CREATE ROLE token LOGIN PASSWORD 'fresh'")
        var configuration = try PostgresConfiguration(
            database.server.url(user: "token", password: "stale", database: database.name))
        configuration.passwordSource = { "fresh" }
        let pool = PostgresPool(configuration: configuration, logger: logger)
        let rows = try await pool.query(sql("SELECT current_user::text who"))
        #expect(try rows.first?.text("who") == "token")
        await pool.close()
    }

    @Test func `ends at its deadline when the server accepts and says nothing`() async throws {
        let silent = try SilentServer()
        var configuration = try PostgresConfiguration("postgres://ann@127.0.0.1:\(silent.port)/x")
        configuration.connectTimeout = .milliseconds(200)
        let pool = PostgresPool(configuration: configuration, logger: logger)
        let error = try await failure { try await pool.execute(sql("SELECT 1")) }
        #expect(error == .deadline(after: .milliseconds(200)))
        await pool.close()
    }

    private func connecting(_ address: String) async throws -> PostgresError {
        let pool = PostgresPool(
            configuration: try PostgresConfiguration(address), logger: logger)
        return try await failure { try await pool.execute(sql("SELECT 1")) }
    }
}
