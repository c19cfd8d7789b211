import Glibc
import LocalServers
import TestSupport
import Testing

@testable import Redis

@Suite(.timed, .timeLimit(.minutes(5))) struct `A demoted server` {
    private let increment = RedisCommand("INCR", ["count"])

    @Test func `is left, not used as a replica, and used again once it is primary again`()
        async throws
    {
        try await withPair { old, new in
            try await withClient(old.url, { $0.connections = 1 }) { client in
                #expect(try await client.send(increment) == .integer(1))
                #expect(client.isServing)
                try await old.follow(new)
                let answer = try await client.send(increment)
                #expect(answer.serverError?.isReadOnly == true, "the caller has the reply itself")
                #expect(!client.isServing && !client.isConnected)
                #expect(client.health.refusal?.isReadOnly == true)

                try await waitUntil("the client has asked the replica") {
                    let told = try await old.client(["INFO", "errorstats"])
                    let few = ["READONLY:count=1\r\n", "READONLY:count=2\r\n"]
                    return told.contains("READONLY:") && !few.contains(where: told.contains)
                }
                let error = await failure { () throws(RedisError) in
                    try await client.send(increment)
                }
                #expect(
                    error == .notConnected("the server is a replica; it replied READONLY"))
                #expect(error?.mayHaveRun == false)
                #expect(client.health.connects == 1 && !client.isServing)

                _ = try await old.client(["REPLICAOF", "NO", "ONE"])
                try await waitUntil("it serves again, though nobody calls") { client.isServing }
                #expect(try await client.send(increment).int != nil)
                #expect(client.health.connects == 2 && client.health.refusal == nil)
            }
        }
    }

    /// As with a floating address or a DNS name: the old primary lives on, the address leads elsewhere.
    @Test func `is left for the new primary that its address leads to`() async throws {
        try await withPair { old, new in
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let address = "\(directory.path)/address"
            #expect(symlink(old.socketPath, address) == 0)
            try await withClient("unix://\(address.replacing(" ", with: "%20"))") { client in
                try await waitUntil("every connection is up") {
                    client.health.connected == client.health.connections
                }
                #expect(try await client.send(increment) == .integer(1))
                try await old.follow(new)
                #expect(symlink(new.socketPath, "\(address).next") == 0)
                #expect(rename("\(address).next", address) == 0)

                try await waitUntil("a write is taken") {
                    _ = try? await client.send(increment)
                    return try await new.client(["EXISTS", "count"]) == "1\n"
                }
                // A connection that is let go may be read on for 30 s before it is closed.
                try await waitUntil("nobody stays with the old server", within: .seconds(60)) {
                    // An idle connection finds out with its first call.
                    _ = try? await client.send(increment)
                    return try await !old.client(["CLIENT", "LIST"]).contains("metering-worker")
                }
                try await waitUntil("it serves") { client.isServing }
                let health = client.health
                #expect(health.connected == health.connections)
                #expect(health.connects == 2 * health.connections)
            }
        }
    }

    @Test func `still answers what it was sent, each reply to its caller`() async throws {
        try await withRedis { redis in
            try await withClient(redis.url, { $0.connections = 1 }) { client in
                try await client.ping()
                _ = try await redis.client(["REPLICAOF", "127.0.0.1", "1"])
                // Together they are more than one read of the socket brings.
                let padding = String(repeating: "x", count: 2000)
                let commands = (0..<1000).map { number in
                    number % 100 == 50 ? increment : RedisCommand("ECHO", ["\(number) \(padding)"])
                }
                let replies = try await client.send(pipeline: commands)
                for (number, reply) in replies.enumerated() {
                    if number % 100 == 50 {
                        #expect(reply.serverError?.isReadOnly == true)
                    } else {
                        #expect(reply.text == "\(number) \(padding)")
                    }
                }
                #expect(client.health.connects == 1 && client.health.pending == 0)
                try await waitUntil("it is let go") {
                    try await redis.client(["CLIENT", "LIST"]).contains("cmd=echo") == false
                }
            }
        }
    }

    /// With a question that the ACL forbids the connection is tried and left with each call it gets.
    @Test(arguments: ["-READONLY You can't write", "-MASTERDOWN Link", "-NOPERM no permission"])
    func `is not dialled as fast as calls come`(answerToQuestion: String) async throws {
        try await withFakeServer { command, connection in
            let isQuestion = connection > 1 && command == 1
            return .say([(isQuestion ? answerToQuestion : "-READONLY You can't write") + "\r\n"])
        } _: { server in
            try await withClient(server.url, { $0.connections = 1 }) { client in
                var (calls, answered) = (0, 0)
                func call() async {
                    calls += 1
                    let reply = try? await client.send(increment)
                    if reply?.serverError?.isReadOnly == true { answered += 1 }
                }
                for _ in 0..<2000 { await call() }
                try await waitUntil("it is dialled again and again") {
                    await call()
                    return server.accepted.count >= 4
                }
                // Without rests nearly every call would dial. How many rests fit in depends on the machine.
                #expect(server.accepted.count < calls / 10)
                #expect((1...server.accepted.count).contains(answered))
                #expect(!client.isServing || answerToQuestion.hasPrefix("-NOPERM"))
                #expect(client.health.pending == 0)
            }
        }
    }

    private func withPair(_ story: (LocalRedis, LocalRedis) async throws -> Void) async throws {
        try await withRedis { old in
            try await withRedis(RedisOptions(listensOnTCP: true, appendOnly: false)) { new in
                try await story(old, new)
            }
        }
    }
}

extension LocalRedis {
    fileprivate func follow(_ primary: LocalRedis) async throws {
        let port = try #require(primary.port)
        _ = try await client(["REPLICAOF", "127.0.0.1", "\(port)"])
        try await waitUntil("it is a replica in touch") {
            try await client(["INFO", "replication"]).contains("master_link_status:up")
        }
    }
}
