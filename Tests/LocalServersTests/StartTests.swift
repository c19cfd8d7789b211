import Glibc
import LocalServers
import TestSupport
import Testing

@Suite(.timed, .timeLimit(.minutes(5))) struct `Private servers` {
    @Test func `serve on sockets that only their account can enter`() async throws {
        let servers = try await TestServers.shared()
        let answer = try await servers.postgres.client(
            "psql", ["-XAtqc", "SELECT current_user, current_setting('server_version_num')"])
        #expect(answer.hasPrefix("postgres|15"))
        #expect(try await servers.redis.client(["PING"]) == "PONG\n")

        var found = stat()
        try #require(lstat(servers.postgres.socketDirectory, &found) == 0)
        #expect(found.st_mode & 0o777 == 0o700)
        #expect(servers.redis.socketPath.utf8.count <= 107)
    }

    @Test func `keep and forget databases`() async throws {
        let postgres = try await TestServers.shared().postgres
        try await postgres.createDatabase("local_original")
        _ = try await postgres.client(
            "psql", ["-XqAt"], database: "local_original",
            input: "CREATE TABLE proof AS SELECT 42 AS answer;")
        try await postgres.createDatabase("local_copy", template: "local_original")
        let copied = try await postgres.client(
            "psql", ["-XqAtc", "SELECT answer FROM proof"], database: "local_copy")
        #expect(copied == "42\n")
        try await postgres.dropDatabase("local_copy")
        try await postgres.dropDatabase("local_copy")
        try await postgres.dropDatabase("local_original")
        await #expect(throws: LocalServersError.self) {
            try await postgres.client("psql", ["-Xc", ""], database: "local_copy")
        }
    }
}
