import DatabaseSupport
import Postgres
import TestSupport
import Testing
import Values

@Suite(.timed) struct `Postgres values` {
    @Test func `come back as they were sent`() async throws {
        let pool = try await TestDatabase.empty().pool()
        let text = "Zähne 🦷 \\ \" ' \t\r\n{},NULL \u{1}\u{10FFFF}"
        let id = UniqueID(high: .max, low: 1)
        let statement = sql(
            """
            SELECT $1::bool b, $2::bigint i, $3::text t, $4::uuid u, $5::bytea y, $6::timestamptz m,
            $7::date d, $8::jsonb j, $9::bigint[] "is", $10::text[] ts,
            $11::uuid[] us, $12::timestamptz[] ms, $13::date[]::text ds
            """)
        let texts = [text, "", "NULL", "{", "a,b"]
        let row = try #require(
            try await pool.query(
                statement,
                [
                    .bool(true), .int64(.min), .text(text), .uuid(id), .bytes(Array(0...255)),
                    .timestamp(-1), .date(-719_162), .text(#"{"a": "\u00e4"}"#),
                    .int64Array([.min, 0, .max]), .textArray(texts),
                    .uuidArray([id, UniqueID(high: 0, low: 0)]),
                    .timestampArray([0, 1_795_461_364_500_000]), .dateArray([20_780, 0]),
                ]
            ).first)
        #expect(try row.bool("b"))
        #expect(try row.int64("i") == .min)
        #expect(try row.text("t") == text)
        #expect(try row.uuid("u") == id)
        #expect(try row.bytes("y") == Array(0...255))
        #expect(try row.timestamp("m") == -1)
        #expect(try row.date("d") == -719_162)
        #expect(try row.text("j") == #"{"a": "ä"}"#)
        #expect(try row.int64Array("is") == [.min, 0, .max])
        #expect(try row.textArray("ts") == texts)
        #expect(try row.uuidArray("us") == [id, UniqueID(high: 0, low: 0)])
        #expect(try row.timestampArray("ms") == [0, 1_795_461_364_500_000])
        #expect(try row.text("ds") == "{2026-11-23,1970-01-01}")
        #expect(row.columnNames.count == row.count)
        await pool.close()
    }

    @Test func `may all be NULL and may all be empty`() async throws {
        let pool = try await TestDatabase.empty().pool()
        let statement = sql(
            "SELECT $1::bool b, $2::bigint i, $3::text t, $4::uuid u, $5::bytea y, "
                + "$6::timestamptz m, $7::date d, $8::text[] ts")
        let nulls = [PostgresValue](repeating: .null, count: 8)
        let row = try #require(try await pool.query(statement, nulls).first)
        #expect(try row.optionalBool("b") == nil)
        #expect(try row.optionalInt64("i") == nil)
        #expect(try row.optionalText("t") == nil)
        #expect(try row.optionalUUID("u") == nil)
        #expect(try row.optionalBytes("y") == nil)
        #expect(try row.optionalTimestamp("m") == nil)
        #expect(try row.optionalDate("d") == nil)
        #expect(try row.isNull("ts"))
        #expect(try row.isNull(7))
        let empty = try #require(
            try await pool.query(
                sql("SELECT $1::text t, $2::bytea y, $3::bigint[] n"),
                [.text(""), .bytes([]), .int64Array([])]
            ).first)
        #expect(try empty.text("t") == "")
        #expect(try empty.bytes("y") == [])
        #expect(try empty.int64Array("n") == [])
        await pool.close()
    }

    @Test func `of a wrong kind are refused by column and kind, without the value`() async throws {
        let pool = try await TestDatabase.empty().pool()
        let row = try #require(
            try await pool.query(
                sql(
                    "SELECT 'canary'::text t, 7::numeric n, NULL::bigint z, "
                        + "'infinity'::timestamptz m, '{{1}}'::int[] a, '{1,NULL}'::int[] h")
            ).first)
        func refused(_ body: () throws(PostgresError) -> Void) -> String {
            do { try body() } catch { return "\(error)" }
            return "accepted"
        }
        #expect(
            refused { () throws(PostgresError) in _ = try row.int64("t") }
                == "column t holds text, expected int64")
        #expect(
            refused { () throws(PostgresError) in _ = try row.int64("n") }
                == "column n holds numeric, expected int64")
        #expect(
            refused { () throws(PostgresError) in _ = try row.int64("z") }
                == "column z holds NULL, expected int64")
        #expect(
            refused { () throws(PostgresError) in _ = try row.int64("q") }
                == "column q holds no such column, expected a column")
        #expect(
            refused { () throws(PostgresError) in _ = try row.timestamp("m") }
                == "column m holds a timestamptz that is no timestamp, expected timestamp")
        #expect(
            refused { () throws(PostgresError) in _ = try row.int64Array("a") }
                == "column a holds an array of more than one dimension, expected int64[]")
        #expect(
            refused { () throws(PostgresError) in _ = try row.int64Array(5) }
                == "column h holds an array with a NULL element, expected int64[]")
        #expect(try row.text("n") == "7")
        #expect(!"\(row)".contains("canary"))
        await pool.close()
    }

    @Test func `with a NUL in text are refused instead of cut`() async throws {
        let pool = try await TestDatabase.empty().pool()
        let error = try await failure {
            _ = try await pool.query(sql("SELECT $1::text"), [.text("a\u{0}b")])
        }
        #expect(error.sqlState == "22021")
        #expect(error.remedy == .fixData)
        await pool.close()
    }

    /// PostgreSQL itself computes the microseconds and days that our arithmetic has to give.
    @Test func `of date and time agree with the server's own arithmetic`() async throws {
        let pool = try await TestDatabase.empty().pool()
        var random = SplitMix64(seed: Seed.current("dates and times"))
        var box = TimeBox("dates and times", share: 20)
        let statement = sql(
            """
            SELECT m, (extract(epoch FROM m) * 1000000)::bigint AS micros, m::date AS d,
            m::date - '1970-01-01'::date AS days, u::text AS u
            FROM unnest($1::timestamptz[], $2::uuid[]) AS given (m, u)
            """)
        while await box.hasTime {
            // 4713 BC to the year 294276.
            let moments = (0..<200).map { _ in
                Int64.random(
                    in: -210_000_000_000_000_000...9_200_000_000_000_000_000, using: &random)
            }
            let ids = moments.map { UniqueID(high: UInt64(bitPattern: $0), low: random.next()) }
            let rows = try await pool.query(
                statement, [.timestampArray(moments), .uuidArray(ids)])
            try #require(rows.count == moments.count)
            for ((row, moment), id) in zip(zip(rows, moments), ids) {
                #expect(try row.timestamp("m") == moment)
                #expect(try row.int64("micros") == moment)
                #expect(try Int64(row.date("d")) == row.int64("days"))
                #expect(try row.text("u") == id.description)
                #expect(UniqueID(bytes: id.bytes) == id)
            }
        }
        box.report()
        await pool.close()
    }
}
