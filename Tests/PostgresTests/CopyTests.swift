import DatabaseSupport
import Postgres
import TestSupport
import Testing
import Values

@Suite(.timed, .serialized) struct `COPY` {
    @Test func `keeps every character and every kind`() async throws {
        let pool = try await TestDatabase.empty().pool()
        try await pool.script(
            "CREATE TABLE mix (t text, y bytea, m timestamptz, d date, j jsonb, ts text[], u uuid, b bool)"
        )
        let naughty = "tab\t line\n return\r back\\slash \\N \\. \u{8}\u{B}\u{C} ünï 🦷"
        let id = UniqueID(high: 1, low: 2)
        let row: [PostgresValue] = [
            .text(naughty), .bytes(Array(0...255)), .timestamp(1), .date(1), .text(#"{"a":"\\n"}"#),
            .textArray([naughty, "\\N"]), .uuid(id), .bool(false),
        ]
        let blank = [PostgresValue](repeating: .null, count: 8)
        try await pool.withConnection { connection in
            let stored = try await connection.copyIn(
                sql("COPY mix FROM STDIN"), rows: [row, blank, [.text("\\.")] + blank.dropFirst()])
            #expect(stored == 3)
            let rows = try await connection.query(sql("SELECT * FROM mix WHERE u IS NOT NULL"))
            let first = try #require(rows.first)
            #expect(try first.text("t") == naughty)
            #expect(try first.bytes("y") == Array(0...255))
            #expect(try first.textArray("ts") == [naughty, "\\N"])
            var texts: [String?] = []
            for try await line in connection.copyOut(sql("COPY mix (t, y, ts) TO STDOUT")) {
                let fields = try line.fields()
                texts.append(try fields.optionalText(0))
                if let bytes = try fields.optionalBytes(1) { #expect(bytes == Array(0...255)) }
                if try !fields.isNull(2) { #expect(try fields.textArray(2) == [naughty, "\\N"]) }
            }
            #expect(texts == [naughty, nil, "\\."])
        }
        await pool.close()
    }

    @Test func `stores nothing when the source fails, and the connection stays good`() async throws
    {
        struct SourceFailed: Error {}
        let pool = try await TestDatabase.empty().pool { $0.poolSize = 1 }
        try await pool.script("CREATE TABLE t (n bigint)")
        let source = AsyncThrowingStream<[PostgresValue], any Error> { continuation in
            for number in 0..<20_000 { continuation.yield([.int64(Int64(number))]) }
            continuation.finish(throwing: SourceFailed())
        }
        let pid = try await pool.withConnection { connection in
            await #expect(throws: SourceFailed.self) {
                try await connection.copyIn(sql("COPY t FROM STDIN"), rows: source)
            }
            return connection.backendPID
        }
        let rows = try await pool.query(sql("SELECT count(*) n, pg_backend_pid() pid FROM t"))
        #expect(try rows.first?.int64("n") == 0)
        #expect(try rows.first?.int64("pid") == Int64(pid))
        await pool.close()
    }

    @Test func `stores nothing when one row is refused, and says why without the row`() async throws
    {
        let pool = try await TestDatabase.empty().pool()
        try await pool.script("CREATE TABLE t (n bigint CHECK (n < 50000))")
        let rows = (0..<60_000).lazy.map { [PostgresValue.int64(Int64($0))] }
        let error = try await failure {
            try await pool.withConnection {
                _ = try await $0.copyIn(sql("COPY t FROM STDIN"), rows: rows)
            }
        }
        #expect(error.sqlState == .checkViolation)
        #expect(error.remedy == .fixData)
        #expect(!"\(error)".contains("50000"))
        #expect(try await pool.query(sql("SELECT FROM t")).isEmpty)
        await pool.close()
    }

    @Test func `left early closes its connection and the pool opens another`() async throws {
        let pool = try await TestDatabase.empty().pool { $0.poolSize = 1 }
        let endless = sql("SELECT generate_series(1, 100000000) n")
        let pid = try await pool.withConnection { connection in
            for try await row in connection.stream(endless) where try row.int64("n") == 10 { break }
            return connection.backendPID
        }
        let rows = try await pool.query(sql("SELECT pg_backend_pid() pid"))
        #expect(try rows.first?.int64("pid") != Int64(pid))
        await pool.close()
    }

    @Test func `and other statements are not taken for each other`() async throws {
        let pool = try await TestDatabase.empty().pool { $0.poolSize = 1 }
        try await pool.script("CREATE TABLE t (n bigint)")
        func expectUnsuitable(_ body: (PostgresConnection) async throws -> Void) async throws {
            let error = try await failure { try await pool.withConnection(body) }
            guard case .unsuitableStatement = error else {
                Issue.record("\(error)")
                return
            }
            #expect(try await pool.query(sql("SELECT 1 one")).count == 1)
        }
        try await expectUnsuitable { _ = try await $0.query(sql("COPY t TO STDOUT")) }
        try await expectUnsuitable { try await $0.execute(sql("COPY t FROM STDIN")) }
        try await expectUnsuitable { try await $0.script("SELECT 1; COPY t FROM STDIN") }
        try await expectUnsuitable {
            try await $0.copyIn(sql("COPY t TO STDOUT"), rows: [[.int64(1)]])
        }
        try await expectUnsuitable { for try await _ in $0.copyOut(sql("SELECT 1")) {} }
        await pool.close()
    }
}
