import DatabaseSupport
import Postgres
import Synchronization
import TestSupport
import Testing

@Suite(.timed) struct `Postgres transactions` {
    struct Wrapped: Error { let cause: any Error }

    @Test func `are run again after a serialization failure, also when the body hides it`()
        async throws
    {
        let pool = try await accounts()
        let attempts = Counter()
        let bothRead = Barrier(2)
        try await withThrowingTaskGroup { group in
            for _ in 0..<2 {
                group.addTask {
                    let turn = Counter()
                    try await pool.transaction(.serializable) { connection in
                        attempts.next()
                        do {
                            let sum = try await connection.query(
                                sql("SELECT sum(units)::bigint units FROM account"))
                            let units = try sum.first?.int64("units") ?? 0
                            if turn.next() == 1 {
                                await bothRead.pass()
                            }
                            try await connection.execute(
                                sql("INSERT INTO account VALUES (DEFAULT, $1)"), [.int64(units)])
                        } catch { throw Wrapped(cause: error) }
                    }
                }
            }
            try await group.waitForAll()
        }
        // One after the other: 3 + 3 = 6, then 6 + 6 = 12. Side by side it would be 9.
        let rows = try await pool.query(sql("SELECT sum(units)::bigint units FROM account"))
        #expect(try rows.first?.int64("units") == 12)
        #expect(attempts.count >= 3)
        await pool.close()
    }

    @Test func `are run again after a deadlock`() async throws {
        let pool = try await accounts()
        let attempts = Counter()
        let bothLocked = Barrier(2)
        try await withThrowingTaskGroup { group in
            for order in [[1, 2], [2, 1]] {
                group.addTask {
                    let turn = Counter()
                    try await pool.transaction { connection in
                        attempts.next()
                        let add = sql("UPDATE account SET units = units + 1 WHERE id = $1")
                        try await connection.execute(add, [.int64(Int64(order[0]))])
                        if turn.next() == 1 {
                            await bothLocked.pass()
                        }
                        try await connection.execute(add, [.int64(Int64(order[1]))])
                    }
                }
            }
            try await group.waitForAll()
        }
        let rows = try await pool.query(sql("SELECT sum(units)::bigint units FROM account"))
        #expect(try rows.first?.int64("units") == 7)
        #expect(attempts.count == 3)
        await pool.close()
    }

    @Test func `give up after the allowed retries`() async throws {
        let pool = try await accounts()
        let attempts = Counter()
        let error = try await failure {
            try await pool.transaction(retries: 2) { connection in
                attempts.next()
                try await connection.script(
                    "DO $$ BEGIN RAISE EXCEPTION 'canary' USING ERRCODE = '40001'; END $$")
            }
        }
        #expect(error.sqlState == .serializationFailure)
        #expect(attempts.count == 3)
        await pool.close()
    }

    @Test func `are rolled back when the body throws, and the connection is used again`()
        async throws
    {
        let pool = try await accounts { $0.poolSize = 1 }
        let pid = try await pool.withConnection { $0.backendPID }
        await #expect(throws: Wrapped.self) {
            try await pool.transaction { connection in
                try await connection.execute(sql("DELETE FROM account"))
                throw Wrapped(cause: TestFailure("the body fails"))
            }
        }
        #expect(try await pool.query(sql("SELECT FROM account")).count == 2)
        #expect(try await pool.withConnection { $0.backendPID } == pid)
        await pool.close()
    }

    @Test func `say so when the body went on after a failed statement`() async throws {
        let pool = try await accounts()
        let error = try await failure {
            try await pool.transaction { connection in
                try await connection.execute(sql("DELETE FROM account"))
                _ = try? await connection.execute(sql("SELECT 1 / 0"))
            }
        }
        #expect(error == .rolledBack)
        #expect(try await pool.query(sql("SELECT FROM account")).count == 2)
        await pool.close()
    }

    @Test func `are not run again when the answer to COMMIT is lost`() async throws {
        let pool = try await accounts()
        try await pool.script(
            """
            CREATE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER t AFTER INSERT ON account DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION end_session();
            """)
        let attempts = Counter()
        let error = try await failure {
            try await pool.transaction(.serializable) { connection in
                attempts.next()
                try await connection.execute(sql("INSERT INTO account VALUES (DEFAULT, 5)"))
            }
        }
        #expect(error == .commitUnknown)
        #expect(error.remedy == .findOut)
        #expect(attempts.count == 1)
        await pool.close()
    }

    @Test func `do not nest, and read-only ones write nothing`() async throws {
        let pool = try await accounts()
        let nested = try await failure {
            try await pool.transaction { try await $0.transaction { _ in } }
        }
        #expect(nested == .unsuitableStatement("a transaction is open already"))
        let written = try await failure {
            try await pool.transaction(.repeatableRead, readOnly: true) { connection in
                _ = try await connection.execute(sql("DELETE FROM account"))
            }
        }
        #expect(written.sqlState == "25006")
        await pool.close()
    }

    private func accounts(
        _ change: (inout PostgresConfiguration) -> Void = { _ in }
    ) async throws -> PostgresPool {
        let pool = try await TestDatabase.empty().pool(change)
        try await pool.script(
            """
            CREATE TABLE account (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, units bigint);
            INSERT INTO account (units) VALUES (1), (2);
            """)
        return pool
    }
}

/// Holds tasks back until so many have come.
final class Barrier: Sendable {
    private let missing: Mutex<Int>
    private let gate = Gate()

    init(_ count: Int) { missing = Mutex(count) }

    func pass() async {
        let isLast = missing.withLock { missing in
            missing -= 1
            return missing == 0
        }
        if isLast { gate.open() } else { await gate.passed() }
    }
}
