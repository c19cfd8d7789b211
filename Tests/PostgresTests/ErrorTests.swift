import DatabaseSupport
import LocalServers
import TestSupport
import Testing
import Values

@testable import Postgres

@Suite(.timed) struct `Postgres errors` {
    @Test func `name the constraint and never a value`() async throws {
        let pool = try await TestDatabase.empty().pool()
        try await pool.script(
            """
            CREATE TABLE patient (id uuid, name text NOT NULL CONSTRAINT one_name UNIQUE,
            age int CONSTRAINT sane CHECK (age < 200));
            """)
        let insert = sql("INSERT INTO patient (id, name, age) VALUES ($1, $2, $3)")
        let id = PostgresValue.uuid(UniqueID(high: 1, low: 1))
        try await pool.execute(insert, [id, .text("canary"), .int64(1)])

        let cases: [([PostgresValue], SQLState, String)] = [
            ([id, .text("canary"), .int64(1)], .uniqueViolation, "constraint one_name"),
            ([id, .text("canary 2"), .int64(271_828)], .checkViolation, "constraint sane"),
            ([id, .null, .int64(271_828)], .notNullViolation, "column name"),
            ([.text("canary"), .text("x"), .null], .invalidTextRepresentation, "22P02"),
            ([id, .text("x"), .int64(27_182_818_284)], "22003", "numeric_value_out_of_range"),
        ]
        for (parameters, state, shown) in cases {
            let error = try await failure { try await pool.execute(insert, parameters) }
            #expect(error.sqlState == state)
            #expect(error.remedy == .fixData)
            for text in ["\(error)", String(reflecting: error), "\(parameters)"] {
                #expect(!text.contains("canary"))
                #expect(!text.contains("27182"))
            }
            #expect("\(error)".contains(shown))
        }
        let twice = try await failure {
            try await pool.execute(insert, [id, .text("canary"), .null])
        }
        guard case .server(let server) = twice else { throw twice }
        #expect(server.table == "patient")
        #expect(server.unsafeDetail?.contains("canary") == true)
        await pool.close()
    }

    @Test func `tell the statement and the line of a script`() async throws {
        let pool = try await TestDatabase.empty().pool()
        let error = try await failure {
            try await pool.script(
                "SELECT 1;\n-- ein Kommentar mit Ümläuten\nSELECT 2;\n\nSELECT nope;")
        }
        guard case .server(let server) = error else { throw error }
        #expect(server.sqlState == "42703")
        #expect(server.line == 5)
        let late = try await failure {
            try await pool.script("CREATE TABLE a (); SELECT 1; SELECT 1 / 0; SELECT 3")
        }
        guard case .server(let division) = late else { throw late }
        #expect(division.statementNumber == 3)
        #expect("\(late)".contains("22012 division_by_zero, statement 3"))
        // The script was one transaction.
        let missing = try await failure { try await pool.execute(sql("SELECT FROM a")) }
        #expect(missing.sqlState == .undefinedTable)
        await pool.close()
    }

    @Test func `tell when the server ends the session in the middle of a statement`() async throws {
        let database = try await TestDatabase.empty()
        let (pool, other) = (try database.pool(), try database.pool())
        let pid = try await pool.withConnection { $0.backendPID }
        let asleep = Task { try await pool.execute(sql("SELECT pg_sleep(3600)")) }
        try await waitUntil("the statement runs") {
            try await other.query(
                sql("SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'"),
                [.int64(Int64(pid))]
            ).count == 1
        }
        try await other.execute(sql("SELECT pg_terminate_backend($1::int)"), [.int64(Int64(pid))])
        #expect(try await failure { _ = try await asleep.value } == .connectionLost("57P01"))
        #expect(try await pool.query(sql("SELECT 1")).count == 1)
        await pool.close()
        await other.close()
    }

    @Test func `refuse an answer with too many rows`() async throws {
        let pool = try await TestDatabase.empty().pool { $0.poolSize = 1 }
        let series = sql("SELECT generate_series(1, $1::int) n")
        #expect(try await pool.query(series, [.int64(10)], rowsMax: 10).count == 10)
        let error = try await failure {
            _ = try await pool.query(series, [.int64(11)], rowsMax: 10)
        }
        #expect(error == .tooManyRows(limit: 10))
        #expect(try await pool.query(series, [.int64(3)]).count == 3)
        await pool.close()
    }

    @Test(arguments: ["40001", "40P01"])
    func `know which conditions pass when the transaction is run again`(code: String) throws {
        let state = try #require(SQLState(code))
        #expect(state.isRetryable)
        #expect(!state.isData)
        for wrong in ["4000", "4000a", "400011", ""] { #expect(SQLState(wrong) == nil) }
    }
}

@Suite(.timed) struct `Prepared statements` {
    @Test func `are parsed once for a session and are not used where they are forbidden`()
        async throws
    {
        let database = try await TestDatabase.empty()
        let count = sql("SELECT count(*) n FROM pg_prepared_statements")
        let pool = try database.pool { $0.poolSize = 1 }
        _ = try await pool.query(count)
        _ = try await pool.query(sql("SELECT 1"))
        _ = try await pool.query(sql("SELECT 1"))
        #expect(try await pool.query(count).first?.int64("n") == 2)
        await pool.close()

        let plain = try database.pool {
            $0.poolSize = 1
            $0.preparedStatements = .never
        }
        let given = try await plain.query(
            sql("SELECT $1::text t, $2::bytea y"), [.text("a"), .bytes([7])])
        #expect(try given.first?.text("t") == "a")
        #expect(try given.first?.bytes("y") == [7])
        #expect(try await plain.query(count).first?.int64("n") == 0)
        await plain.close()
    }

    @Test func `are named by their text, the same in every process`() async throws {
        let statement = PostgresStatement(name: "now", text: "SELECT 1")
        #expect(statement.preparedName() == "now_199e7bca63ea84f2")
        #expect(statement.preparedName(generation: 2) == "now_199e7bca63ea84f2_2")
        let long = PostgresStatement(name: String(repeating: "n", count: 80), text: "SELECT 1")
        #expect(long.preparedName().utf8.count == 57)

        let pool = try await TestDatabase.empty().pool { $0.poolSize = 1 }
        _ = try await pool.query(statement)
        let names = try await pool.query(sql("SELECT name FROM pg_prepared_statements ORDER BY 1"))
        #expect(try names.map { try $0.text(0) }.contains("now_199e7bca63ea84f2"))
        await pool.close()
    }

    /// A session of PostgreSQL then serves many clients, and forgets none of their statements.
    @Test func `are not used behind a pooler`() async throws {
        let database = try await TestDatabase.empty()
        let users = [Login.worker: Login.password]
        try await LocalPgBouncer.lend(before: database.server, users: users) { pooler in
            var configuration = try PostgresConfiguration(
                pooler.url(
                    user: Login.worker, password: Login.password, database: database.name))
            configuration.callTimeout = .seconds(60)
            configuration.connectTimeout = .seconds(60)
            let pool = PostgresPool(configuration: configuration, logger: .silent)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        let rows = try await pool.query(sql("SELECT \(number % 4) n"))
                        #expect(try rows.first?.int64("n") == Int64(number % 4))
                    }
                }
                try await group.waitForAll()
            }
            let kept = try await pool.query(sql("SELECT count(*) n FROM pg_prepared_statements"))
            #expect(try kept.first?.int64("n") == 0)
            await pool.close()
        }
    }

    @Test func `are bounded in number, and further statements run all the same`() async throws {
        let pool = try await TestDatabase.empty().pool { $0.poolSize = 1 }
        for number in 0..<300 {
            let rows = try await pool.query(sql("SELECT \(number) n"))
            #expect(try rows.first?.int64("n") == Int64(number))
        }
        let rows = try await pool.query(sql("SELECT count(*) n FROM pg_prepared_statements"))
        #expect(try rows.first?.int64("n") == 256)
        await pool.close()
    }

    @Test func `that the session lost or a changed table spoiled are parsed again`() async throws {
        let pool = try await TestDatabase.empty().pool { $0.poolSize = 1 }
        try await pool.script("CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
        let all = sql("SELECT * FROM t")
        #expect(try await pool.query(all).first?.count == 1)
        try await pool.script("DEALLOCATE ALL")
        #expect(try await pool.query(all).first?.count == 1)
        try await pool.script("ALTER TABLE t ADD b int")
        #expect(try await pool.query(all).first?.count == 2)

        try await pool.script("DEALLOCATE ALL")
        let error = try await failure {
            try await pool.transaction { _ = try await $0.query(all) }
        }
        #expect(error.sqlState == .undefinedPreparedStatement)
        #expect(try await pool.transaction { try await $0.query(all) }.count == 1)
        await pool.close()
    }
}
