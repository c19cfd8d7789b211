import DatabaseSupport
import LocalServers
import TestSupport
import Testing

@testable import Postgres

@Suite(.timed) struct `Literals in a COPY` {
    private static func text(_ statement: String, _ literals: [String]) throws -> String {
        try LiteralText.text(of: sql(statement), literals: literals)
    }

    @Test func `stand where the parameters stood, and nowhere else`() throws {
        #expect(
            try Self.text("SELECT $1, '$2', \"$2\", $2", ["'a'", "'b'"])
                == "SELECT 'a', '$2', \"$2\", 'b'")
        #expect(
            try Self.text("SELECT $10::int, $1", (1...10).map { "'\($0)'" })
                == "SELECT '10'::int, '1'")
        #expect(
            try Self.text("-- $1 text\nSELECT $1 -- the end", ["'x\n; DROP'"])
                == "\nSELECT 'x\n; DROP' ")
        #expect(try Self.text("SELECT 'it''s' || $1", ["'$1'"]) == "SELECT 'it''s' || '$1'")
    }

    @Test(arguments: [
        "SELECT $2", "SELECT $0", "SELECT $", "SELECT $$a$$", "SELECT E'a\\'$1'", "SELECT U&'$1'",
        "SELECT /* $1 */ 1", "SELECT 'open $1", "SELECT $99999999999999999999",
    ])
    func `are refused where it is not sure what they are`(statement: String) throws {
        let error = try #require(throws: PostgresError.self) { try Self.text(statement, ["'a'"]) }
        guard case .unsuitableStatement = error else {
            Issue.record("\(error)")
            return
        }
    }

    /// Whatever a parameter holds comes back as it was, and ends nothing.
    @Test(arguments: ["on", "off"])
    func `keep every text`(standard: String) async throws {
        let pool = try await TestDatabase.empty().pool()
        var random = SplitMix64(seed: Seed.current("literals keep every text"))
        let marks = Array("'\"\\$1;-/*\n\r\t\u{8}é😀ab )(:%\u{7F}\u{85}".unicodeScalars)
        try await pool.withConnection { connection in
            try await connection.script("SET standard_conforming_strings = \(standard)")
            for round in 0..<200 {
                var scalars = String.UnicodeScalarView()
                for _ in 0..<Int.random(in: 0...12, using: &random) {
                    scalars.append(random.pick(marks))
                }
                let text = round == 0 ? "'; DROP TABLE clinics; --" : String(scalars)
                let list = [text, "", "NULL", text + text]
                let pieces = connection.copyOut(
                    rowsOf: sql(
                        "SELECT $1::text, $2::text[] = ARRAY[$1, '', 'NULL', $1 || $1], $3::text"),
                    [.text(text), .textArray(list), .null])
                var found: [String?] = []
                for try await piece in pieces {
                    var rows = piece
                    while rows.hasRow {
                        found = [
                            try rows.optionalText(), try rows.optionalText(),
                            try rows.optionalText(),
                        ]
                        try rows.endRow()
                    }
                }
                #expect(found == [text, "t", nil])
            }
        }
        await pool.close()
    }

    @Test func `hold no NUL`() async throws {
        let pool = try await TestDatabase.empty().pool()
        try await pool.withConnection { connection in
            let error = try await failure {
                for try await _ in connection.copyOut(rowsOf: sql("SELECT $1"), [.text("a\0b")]) {}
            }
            #expect(error.sqlState == SQLState("22021") || error == .server(.nulCharacter))
            #expect(try await connection.query(sql("SELECT 1 AS n")).first?.int64("n") == 1)
        }
        await pool.close()
    }
}

@Suite(.timed) struct `Rows of a COPY` {
    @Test func `are read field by field`() async throws {
        let pool = try await TestDatabase.empty().pool()
        try await pool.withConnection { connection in
            let statement = sql(
                """
                SELECT n, CASE WHEN n % 2 = 0 THEN 'a\tb\\' || n END, gen_random_uuid(),
                    '-9223372036854775808'::bigint FROM generate_series(1, 30000) AS n
                """)
            var count: Int64 = 0
            var pieces = 0
            for try await piece in connection.copyOut(rowsOf: statement) {
                var rows = piece
                pieces += 1
                while rows.hasRow {
                    count += 1
                    #expect(try rows.int64() == count)
                    #expect(try rows.optionalText() == (count % 2 == 0 ? "a\tb\\\(count)" : nil))
                    _ = try rows.uuid()
                    #expect(try rows.int64() == .min)
                    try rows.endRow()
                }
            }
            #expect(count == 30_000 && pieces > 1)
            // The connection serves on.
            #expect(try await connection.query(sql("SELECT 1 AS n")).first?.int64("n") == 1)
        }
        await pool.close()
    }

    @Test func `tell what is wrong with a field, and never the value`() throws {
        func rows(_ text: String) -> PostgresCopyRows { PostgresCopyRows(Array(text.utf8)) }
        for text in ["x\n", "\n", "-\n", "9223372036854775808\n", "1", "\\N\n", "1.5\n"] {
            var rows = rows(text)
            #expect(throws: PostgresError.self, "\(text)") { try rows.int64() }
        }
        var short = rows("1\n2\n")
        #expect(try short.int64() == 1)
        #expect(throws: PostgresError.self) { try short.int64() }
        var long = rows("1\t2\n")
        #expect(try long.int64() == 1)
        #expect(throws: PostgresError.self) { try long.endRow() }
        var null = rows("\\N\n")
        #expect(try null.optionalInt64() == nil)
        var secret = rows("secret\n")
        let error = #expect(throws: PostgresError.self) { try secret.uuid() }
        #expect(error.map { !"\($0)".contains("secret") } == true)
    }

    @Test func `end with the error of the server, or where the reader leaves`() async throws {
        let pool = try await TestDatabase.empty().pool { $0.poolSize = 1 }
        try await pool.withConnection { connection in
            let error = try await failure {
                for try await _ in connection.copyOut(
                    rowsOf: sql("SELECT 1 / (1000 - n) FROM generate_series(1, 2000) AS n"))
                {}
            }
            #expect(error.sqlState == SQLState("22012"))
            #expect(try await connection.query(sql("SELECT 1 AS n")).first?.int64("n") == 1)
            for try await _ in connection.copyOut(
                rowsOf: sql("SELECT repeat('x', 1000) FROM generate_series(1, 100000)"))
            { break }
        }
        #expect(try await pool.query(sql("SELECT 1 AS n")).first?.int64("n") == 1)
        await pool.close()
    }
}
