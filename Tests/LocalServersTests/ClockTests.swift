import FoundationEssentials
import LocalServers
import TestSupport
import Testing

@Suite(.timed) struct `The clock of a test run` {
    @Test func `is the same for tests, servers and programs`() async throws {
        let servers = try await TestServers.shared()
        func agrees(_ name: String, _ ask: () async throws -> String) async throws {
            let before = Date().timeIntervalSince1970
            let answer = try await ask().split(separator: "\n").first.map(String.init) ?? ""
            let after = Date().timeIntervalSince1970
            let seconds = try #require(Double(answer), "\(name): \(answer)")
            // A second for what is rounded.
            #expect(seconds >= before - 1 && seconds <= after + 1, "\(name)")
        }
        try await agrees("PostgreSQL") {
            try await servers.postgres.client(
                "psql", ["-XqAtc", "SELECT extract(epoch FROM clock_timestamp())"])
        }
        try await agrees("Redis") { try await servers.redis.client(["TIME"]) }
        try await agrees("a program") { try await RunningProcess.run("date", ["+%s"]).output }
    }

    @Test func `starts at the date that is wanted`() throws {
        let wanted = ProcessInfo.processInfo.environment["METERING_TEST_DATE"] ?? ""
        if wanted.isEmpty { return }
        let start = try Date(wanted, strategy: .iso8601)
        #expect((0..<3600).contains(Date().timeIntervalSince(start)))
    }
}
