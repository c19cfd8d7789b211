import DatabaseSupport
import FoundationEssentials
import Glibc
import Postgres
import TestSupport
import Testing

@Suite(.timed) struct `Deadlines and cancellation` {
    @Test func `a call to a stopped server ends at our deadline while the server is still stopped`()
        async throws
    {
        let pool = try await TestDatabase.empty().pool { $0.poolSize = 1 }
        try await pool.withConnection { connection in
            let pid = connection.backendPID
            kill(pid, SIGSTOP)
            defer { kill(pid, SIGCONT) }
            let error = try await failure {
                _ = try await connection.query(
                    sql("SELECT 1"), timeout: .milliseconds(300))
            }
            #expect(error == .deadline(after: .milliseconds(300)))
            #expect(error.remedy == .findOut)
            #expect(try stateOfProcess(pid) == "T")
            let next = try await failure { _ = try await connection.query(sql("SELECT 1")) }
            #expect(next == .closed)
        }
        #expect(try await pool.query(sql("SELECT 1")).count == 1)
        await pool.close()
    }

    @Test func `so does a COPY that a stopped server does not take`() async throws {
        let pool = try await TestDatabase.empty().pool { $0.poolSize = 1 }
        try await pool.script("CREATE TABLE t (label text)")
        try await pool.withConnection { connection in
            let pid = connection.backendPID
            let text = String(repeating: "x", count: 10_000)
            let rows = (0..<Int.max).lazy.map { number -> [PostgresValue] in
                if number == 10 { kill(pid, SIGSTOP) }
                return [.text(text)]
            }
            defer { kill(pid, SIGCONT) }
            let error = try await failure {
                _ = try await connection.copyIn(
                    sql("COPY t FROM STDIN"), rows: rows, timeout: .milliseconds(300))
            }
            #expect(error == .deadline(after: .milliseconds(300)))
            #expect(try stateOfProcess(pid) == "T")
        }
        await pool.close()
    }

    @Test func `a deadline asks the server to stop, so that locks are let go`() async throws {
        let pool = try await TestDatabase.empty().pool()
        let error = try await failure {
            try await pool.execute(sql("SELECT pg_sleep(3600)"), timeout: .milliseconds(200))
        }
        #expect(error == .deadline(after: .milliseconds(200)))
        try await waitUntil("the server stopped sleeping") {
            try await pool.query(
                sql(
                    "SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' "
                        + "AND datname = current_database()")
            ).isEmpty
        }
        await pool.close()
    }

    @Test func `a cancelled task gets its answer at once and its connection is not used again`()
        async throws
    {
        let pool = try await TestDatabase.empty().pool { $0.poolSize = 1 }
        let asleep = Task { try await pool.execute(sql("SELECT 'cancelled', pg_sleep(3600)")) }
        let observer = try await TestDatabase.empty().pool()
        try await waitUntil("the statement runs") {
            try await observer.query(
                sql(
                    "SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT ''cancelled'', pg%' "
                        + "AND state = 'active'")
            ).count == 1
        }
        asleep.cancel()
        let error = try await failure { _ = try await asleep.value }
        #expect(error == .cancelled)
        #expect(try await pool.query(sql("SELECT 1")).count == 1)
        await pool.close()
        await observer.close()
    }

    @Test func `a task that is cancelled before sends nothing`() async throws {
        let pool = try await TestDatabase.empty().pool { $0.poolSize = 1 }
        try await pool.withConnection { connection in
            let gate = Gate()
            let task = Task<Void, any Error> {
                await gate.passed()
                try await connection.execute(sql("SELECT 1"))
            }
            task.cancel()
            gate.open()
            let error = try await failure { _ = try await task.value }
            #expect(error == .cancelled)
            let rows = try await connection.query(sql("SELECT 1"))
            #expect(rows.count == 1)
        }
        await pool.close()
    }

    /// `T` is stopped; the third field of the kernel's line, after the name in brackets.
    private func stateOfProcess(_ pid: Int32) throws -> String {
        let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        let rest = try #require(stat.split(separator: ")").last)
        return String(rest.dropFirst().prefix(1))
    }
}
