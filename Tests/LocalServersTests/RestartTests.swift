import Glibc
import LocalServers
import TestSupport
import Testing

@Suite(.timed, .timeLimit(.minutes(5))) struct `A server that is restarted` {
    @Test func `keeps what Redis had on disk when it was killed`() async throws {
        let redis = try await LocalRedis.temporary(
            RedisOptions(listensOnTCP: true, settings: ["appendfsync": "always"]))
        _ = try await redis.client(["SET", "proof", "42"])
        let before = try #require(redis.process)
        redis.send(SIGKILL)
        #expect(await before.hasEnded(within: .seconds(10)))
        #expect(redis.process == nil)
        try await redis.restart()
        #expect(redis.process != before)
        #expect(try await redis.client(["GET", "proof"]) == "42\n")
        await redis.remove()
    }

    @Test func `is ended even while it is stopped`() async throws {
        let postgres = try await LocalPostgres.temporary()
        let process = try #require(postgres.process)
        postgres.send(SIGSTOP)
        await postgres.stop()
        #expect(!process.isAlive)
        try await postgres.start()
        #expect(postgres.process?.isAlive == true)
        await postgres.remove()
    }

    @Test func `serves on the same port, and asks every login but its own for a password`()
        async throws
    {
        let postgres = try await LocalPostgres.temporary(PostgresOptions(listensOnTCP: true))
        _ = try await postgres.client(
            "psql", ["-Xq"], input: "CREATE ROLE clinic LOGIN PASSWORD 'o''pen: s/same?';")
        await postgres.stop()
        try await postgres.start()
        for url in [
            postgres.url(user: "clinic", password: "o'pen: s/same?", database: "postgres"),
            try #require(
                postgres.tcpURL(user: "clinic", password: "o'pen: s/same?", database: "postgres")),
        ] {
            let name = try await postgres.client("psql", [url, "-XqAtc", "SELECT current_user"])
            #expect(name == "clinic\n")
        }
        let wrong = postgres.url(user: "clinic", password: "guess", database: "postgres")
        let error = await #expect(throws: LocalServersError.self) {
            try await postgres.client("psql", [wrong, "-XqAtc", "SELECT 1"])
        }
        #expect("\(error.map { "\($0)" } ?? "")".contains("password authentication failed"))
        await postgres.remove()
    }

    @Test func `speaks for itself where its settings differ`() async throws {
        let redis = try await LocalRedis.temporary(
            RedisOptions(
                appendOnly: false,
                settings: ["maxmemory-policy": "allkeys-lru", "requirepass": "pa\"ss \\word"]))
        let policy = try await redis.client(
            ["-a", "pa\"ss \\word", "--no-auth-warning", "CONFIG", "GET", "maxmemory-policy"])
        #expect(policy == "maxmemory-policy\nallkeys-lru\n")
        #expect(try await redis.client(["PING"]).hasPrefix("NOAUTH"))
        await redis.remove()
    }
}
