import DatabaseSupport
import FoundationEssentials
import LocalServers
import Logging
import Postgres
import TestSupport
import Testing

@Suite(.timed) struct `COPY of a million rows` {
    /// In a process of its own, because the tests beside it use memory too.
    @Test func `carries them in and out again in constant memory`() async throws {
        let database = try await TestDatabase.empty()
        try await database.pool().script(
            "CREATE UNLOGGED TABLE big (n bigint NOT NULL, label text)")
        let address = database.server.superuserURL(database: database.name)
        await #expect(processExitsWith: .success) { [address = address as String] in
            try await MillionRows(address: address).carry()
        }
        let counted = try await database.pool().query(sql("SELECT count(*) n FROM big"))
        #expect(try counted.first?.int64("n") == 1_000_000)
    }
}

struct MillionRows {
    let address: String
    private let count: Int64 = 1_000_000
    /// The rows are over 70 MB on the wire.
    private let growthMax = 16_000

    func carry() async throws {
        let configuration = try PostgresConfiguration(address)
        let pool = PostgresPool(configuration: configuration, logger: Logger(label: "test"))
        _ = try await pool.query(sql("SELECT 1"))
        let before = try memory("VmRSS")
        try await pool.withConnection { connection in
            try await carryIn(connection)
            try await carryOut(connection)
            try await stream(connection)
        }
        let growth = try memory("VmHWM") - before
        print("a million rows: peak of memory grew by \(growth) kB")
        try #require(growth < growthMax)
    }

    private func carryIn(_ connection: PostgresConnection) async throws {
        let padding = String(repeating: "x", count: 100)
        let rows = (0..<count).lazy.map { number -> [PostgresValue] in
            [.int64(number), number.isMultiple(of: 3) ? .null : .text(padding)]
        }
        let stored = try await connection.copyIn(sql("COPY big (n, label) FROM STDIN"), rows: rows)
        try #require(Int64(stored) == count)
    }

    private func carryOut(_ connection: PostgresConnection) async throws {
        var (sum, nulls) = (Int64(0), Int64(0))
        for try await line in connection.copyOut(sql("COPY big (n, label) TO STDOUT")) {
            let fields = try line.fields()
            sum += try fields.int64(0)
            if try fields.isNull(1) { nulls += 1 }
        }
        try #require(sum == count * (count - 1) / 2)
        try #require(nulls == count / 3 + 1)
    }

    private func stream(_ connection: PostgresConnection) async throws {
        var seen: Int64 = 0
        let statement = sql("SELECT n, label FROM big WHERE n < $1")
        for try await row in connection.stream(statement, [.int64(300_000)]) {
            try #require(try row.int64("n") < 300_000)
            seen += 1
        }
        try #require(seen == 300_000)
    }

    /// Kilobytes of this process, as the kernel counts them.
    private func memory(_ field: String) throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("\(field):") })
        return try #require(Int(line.filter(\.isNumber)))
    }
}
