import Glibc
import LocalServers
import NIOCore
import TestSupport
import Testing

@testable import Redis

@Suite(.timed, .timeLimit(.minutes(5))) struct `A lost connection` {
    private let increment = RedisCommand("INCR", ["count"])

    @Test func `that the server killed is made again`() async throws {
        try await withRedis { redis in
            try await withClient(redis.url, { $0.connections = 1 }) { client in
                try await client.ping()
                #expect(
                    try await redis.client(["CLIENT", "LIST"]).contains("name=metering-worker "))
                _ = try await redis.client(["CLIENT", "KILL", "TYPE", "normal"])
                try await waitUntil("it is connected again") { client.health.connects == 2 }
                #expect(try await client.send(increment) == .integer(1))
            }
        }
    }

    @Test func `is made again after a restart, and the data are still there`() async throws {
        try await withRedis(RedisOptions(appendOnly: true, settings: ["appendfsync": "always"])) {
            redis in
            try await withClient(redis.url, { $0.connections = 1 }) { client in
                #expect(try await client.send(increment) == .integer(1))
                try await redis.restart()
                try await waitUntil("it is connected again") {
                    client.isConnected && client.health.connects == 2
                }
                #expect(try await client.send(increment) == .integer(2))
            }
        }
    }

    @Test func `fails what was sent as possibly run, and what comes after at once`() async throws {
        try await withRedis { redis in
            try await withClient(redis.url, { $0.connections = 1 }) { client in
                try await client.ping()
                redis.send(SIGSTOP)
                async let sent = failure { () throws(RedisError) in
                    try await client.send(increment)
                }
                try await waitUntil("it is sent") { client.health.commands == 2 }
                redis.send(SIGKILL)
                #expect(await sent == .connectionLost(sent: true))
                let error = await failure { () throws(RedisError) in
                    try await client.send(increment)
                }
                guard case .notConnected? = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(error?.mayHaveRun == false)
                try await redis.restart()
                try await waitUntil("it is connected again") { client.isConnected }
                #expect(try await client.send(increment) == .integer(1))
            }
        }
    }

    @Test func `to nowhere fails with the reason long before the deadline`() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        for url in [
            "unix://\(directory.path.replacing(" ", with: "%20"))/none", "redis://127.0.0.1:1",
        ] {
            try await withClient(url) { client in
                let error = await failure { () throws(RedisError) in
                    try await client.ping(timeout: .seconds(3600))
                }
                guard case .notConnected(let reason)? = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(!reason.isEmpty)
                #expect(client.health.lastFailure == error)
                #expect(client.health.connected == 0)
            }
        }
    }

    @Test func `is not made again once the client is closed`() async throws {
        try await withRedis { redis in
            try await withClient(redis.url) { client in
                try await client.ping()
                await client.close()
                await client.close()
                #expect(
                    await failure { () throws(RedisError) in
                        try await client.send(increment)
                    } == .closed)
                #expect(!client.isConnected)
                #expect(try await !redis.client(["CLIENT", "LIST"]).contains("metering-worker"))
            }
        }
    }

    @Test func `closing lets what was sent be answered`() async throws {
        try await withRedis { redis in
            try await withClient(redis.url, { $0.connections = 1 }) { client in
                try await client.ping()
                redis.send(SIGSTOP)
                async let sent = client.send(increment)
                try await waitUntil("it is sent") { client.health.commands == 2 }
                async let closed: Void = client.close()
                try await waitUntil("it closes") { client.health.lastFailure == .closed }
                redis.send(SIGCONT)
                #expect(try await sent == .integer(1))
                await closed
            }
        }
    }

    @Test func `of a client without an owner is given up`() async throws {
        try await withRedis { redis in
            try await withClient(redis.url) { watcher in
                let forgotten = try await withClient(redis.url, { $0.clientName = "forgotten" }) {
                    client in
                    try await client.ping()
                    return try await watcher.send(RedisCommand("CLIENT", ["LIST"])).text
                }
                #expect(forgotten?.contains("name=forgotten") == true)
                try await waitUntil("the server sees it go") {
                    let list = try await watcher.send(RedisCommand("CLIENT", ["LIST"])).text
                    return list?.contains("name=forgotten") == false
                }
            }
        }
    }

    @Test func `rests longer after each failure, to five seconds`() {
        var random = SplitMix64(seed: 1)
        var backoff = Backoff()
        var full: Int64 = 50_000_000
        for _ in 0..<20 {
            let rest = backoff.fail(using: &random).nanoseconds
            #expect((full / 2...full).contains(rest))
            full = min(full * 2, 5_000_000_000)
        }
        backoff.reset()
        #expect(backoff.fail(using: &random).nanoseconds <= 50_000_000)
    }
}
