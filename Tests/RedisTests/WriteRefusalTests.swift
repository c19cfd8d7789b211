import LocalServers
import Synchronization
import TestSupport
import Testing

@testable import Redis

@Suite(.timed, .timeLimit(.minutes(5))) struct `A server that takes no writes` {
    private let increment = RedisCommand("INCR", ["count"])

    @Test func `for want of replicas is not serving until it takes one`() async throws {
        try await withRedis { redis in
            try await withClient(redis.url, { $0.connections = 1 }) { client in
                #expect(try await client.send(increment) == .integer(1))
                for round in 2...3 {
                    _ = try await redis.client(["CONFIG", "SET", "min-replicas-to-write", "1"])
                    let refused = try await client.send(increment)
                    #expect(refused.serverError?.isNoReplicas == true)
                    #expect(client.isConnected && !client.isServing)
                    #expect(try await client.send(RedisCommand("GET", ["count"])).int != nil)
                    #expect(!client.isServing, "that it can be read says nothing")
                    _ = try await redis.client(["CONFIG", "SET", "min-replicas-to-write", "0"])
                    if round == 2 {
                        #expect(try await client.send(increment) == .integer(2))
                        #expect(client.isServing)
                    } else {
                        try await waitUntil("it serves, though nobody calls") { client.isServing }
                    }
                }
                #expect(client.health.connects == 1 && client.health.refusal == nil)
            }
        }
    }

    @Test func `because a script runs is not serving until the script ends`() async throws {
        let options = RedisOptions(appendOnly: false, settings: ["busy-reply-threshold": "1"])
        try await withRedis(options) { redis in
            try await withClient(redis.url, { $0.connections = 1 }) { client in
                try await withClient(redis.url, { $0.connections = 1 }) { culprit in
                    try await client.ping()
                    async let endless = culprit.send(
                        RedisCommand("EVAL", ["while true do end", 0]))
                    try await waitUntil("a call is refused") {
                        try await client.send(increment).serverError?.isBusy == true
                    }
                    #expect(client.isConnected && !client.isServing)
                    _ = try await redis.client(["SCRIPT", "KILL"])
                    #expect(try await endless.serverError != nil)
                    try await waitUntil("it serves, though nobody calls") { client.isServing }
                    #expect(client.health.connects == 1)
                }
            }
        }
    }

    @Test(arguments: ["MISCONF", "NOREPLICAS", "LOADING", "BUSY"])
    func `is known by its code, and serves with the first good reply`(code: String) async throws {
        let refuses = Switch(on: true)
        try await withFakeServer { _, _ in
            .say([refuses.isOn ? "-\(code) no\r\n" : "+OK\r\n"])
        } _: { server in
            try await withClient(server.url, { $0.connections = 1 }) { client in
                let refused = try await client.send(increment)
                #expect(refused.serverError?.code == code)
                #expect(client.isConnected && !client.isServing)
                #expect(client.health.refusal?.code == code)
                refuses.turn(on: false)
                // Who loads refuses everything, so that any good reply will do.
                let next = code == "LOADING" || code == "BUSY" ? RedisCommand("TIME") : increment
                let good = try await client.send(next)
                #expect(good == .status("OK"))
                #expect(client.isServing)
                #expect(server.accepted.count == 1)
            }
        }
    }

    @Test func `because it loads is known from the greeting`() async throws {
        let loads = Switch(on: true)
        try await withServer(script: { _, _ in
            .say([loads.isOn ? "-LOADING Redis is loading\r\n" : "+OK\r\n"])
        }) { server in
            try await withClient(server.url, { $0.connections = 1 }) { client in
                try await waitUntil("it is let in") { client.health.refusal?.isLoading == true }
                #expect(client.isConnected && !client.isServing)
                loads.turn(on: false)
                try await waitUntil("it serves, though nobody calls") { client.isServing }
                #expect(server.accepted.count == 1)
            }
        }
    }

    @Test(arguments: ["-ERR wrong type", "-NOPERM no", "-OOM used memory", "-WRONGTYPE Operation"])
    func `is not one that refuses one command`(line: String) async throws {
        try await withFakeServer { _, _ in
            .say([line + "\r\n"])
        } _: { server in
            try await withClient(server.url, { $0.connections = 1 }) { client in
                let refused = try await client.send(increment)
                #expect(refused.serverError != nil)
                #expect(client.isServing && client.health.refusal == nil)
                #expect(server.accepted.count == 1)
            }
        }
    }
}

/// What a story changes while a server runs.
private final class Switch: Sendable {
    private let state: Mutex<Bool>

    init(on: Bool) { state = Mutex(on) }

    var isOn: Bool { state.withLock { $0 } }

    func turn(on: Bool) { state.withLock { $0 = on } }
}
