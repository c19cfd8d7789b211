import TestSupport
import Testing

@testable import Redis

@Suite(.timed, .timeLimit(.minutes(2))) struct `A hostile server` {
    @Test(arguments: [
        ("*1000000000\r\n", RedisError.replyTooLong(limit: 10_000)),
        ("$536870912\r\n", .replyTooLarge(limit: 1 << 20)),
        ("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", .replyTooDeep(limit: 4)),
        (
            "HTTP/1.1 400\r\n",
            .protocolViolation("Protocol error, got \"H\" as reply type byte")
        ),
        (">2\r\n", .protocolViolation("Protocol error, got \">\" as reply type byte")),
        ("*-2\r\n", .protocolViolation("Multi-bulk length out of range")),
        ("$3\r\nabcde", .protocolViolation("a string longer than its length")),
    ])
    func `is hung up on with the reason, and dialled again`(bytes: String, reason: RedisError)
        async throws
    {
        try await withFakeServer { command, connection in
            connection == 1 ? .say([bytes]) : .say(["$5\r\nagain\r\n"])
        } _: { server in
            try await withClient(server.url, { $0.connections = 1 }) { client in
                #expect(
                    await failure { () throws(RedisError) in
                        try await client.send(RedisCommand("PING"))
                    } == reason)
                try await waitUntil("the next connection answers") {
                    (try? await client.send(RedisCommand("PING")))?.text == "again"
                }
                #expect(server.accepted.count == 2)
            }
        }
    }

    @Test func `that answers a byte at a time is understood`() async throws {
        let reply = "*3\r\n$3\r\nabc\r\n:-5\r\n*1\r\n-OOM used\r\n"
        try await withFakeServer { _, _ in
            .say(reply.map(String.init))
        } _: { server in
            try await withClient(server.url, { $0.connections = 1 }) { client in
                for _ in 0..<20 {
                    let answer = try await client.send(RedisCommand("PING"))
                    let error = RedisReply.error(RedisServerError(code: "OOM", message: "used"))
                    #expect(
                        answer
                            == .array([.string(Array("abc".utf8)), .integer(-5), .array([error])]))
                }
            }
        }
    }

    @Test func `that stops in the middle of a reply has lost the connection`() async throws {
        try await withFakeServer { _, _ in
            .sayThenClose(["*2\r\n:1\r\n$5\r\nab"])
        } _: { server in
            try await withClient(server.url, { $0.connections = 1 }) { client in
                #expect(
                    await failure { () throws(RedisError) in
                        try await client.send(RedisCommand("PING"))
                    } == .connectionLost(sent: true))
            }
        }
    }

    @Test func `that answers more than it was asked is hung up on`() async throws {
        try await withFakeServer { _, connection in
            connection == 1 ? .say(["+PONG\r\n+PONG\r\n"]) : .say(["+PONG\r\n"])
        } _: { server in
            try await withClient(server.url, { $0.connections = 1 }) { client in
                #expect(try await client.send(RedisCommand("PING")) == .status("PONG"))
                try await waitUntil("the driver dials again") { client.health.connects == 2 }
                #expect(try await client.send(RedisCommand("PING")) == .status("PONG"))
            }
        }
    }

    @Test func `that greets with silence runs into the connect timeout`() async throws {
        try await withServer(script: { _, _ in .nothing }) { server in
            let change: (inout RedisConfiguration) -> Void = {
                $0.connectTimeout = .milliseconds(50)
            }
            try await withClient(server.url, change) { client in
                #expect(
                    await failure { () throws(RedisError) in
                        try await client.send(RedisCommand("PING"))
                    } == .connectTimeout(after: .milliseconds(50)))
                #expect(!client.isConnected)
            }
        }
    }

    @Test func `that greets with a bomb is refused`() async throws {
        try await withServer(script: { _, _ in .say(["*1000000000\r\n"]) }) { server in
            try await withClient(server.url) { client in
                let error = await failure { () throws(RedisError) in
                    try await client.send(RedisCommand("PING"))
                }
                #expect(error == .notConnected("\(RedisError.replyTooLong(limit: 10_000))"))
                #expect(error?.mayHaveRun == false)
            }
        }
    }
}
