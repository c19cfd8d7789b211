import LocalServers
import NIOCore
import NIOPosix
import Synchronization
import Testing
import TestSupport

@testable import Redis

/// One key's call that keeps what it is told.
private final class TestCall: RedisKeyedCall {
    let function: RedisKeyedFunction
    let key: [UInt8]
    let argumentBytesMax = 8
    private let text: String
    private let told = Mutex<[Result<RedisReply, RedisError>]>([])

    init(_ key: String, _ text: String, _ function: RedisKeyedFunction = .init("echo")) {
        (self.key, self.text, self.function) = (Array(key.utf8), text, function)
    }

    var answers: [Result<RedisReply, RedisError>] { told.withLock { $0 } }
    func argument() -> [UInt8] { Array(text.utf8) }
    func finish(_ answer: Result<RedisReply, RedisError>) { told.withLock { $0.append(answer) } }
}

@Suite(.timed) struct `Calls on keys` {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()

    /// Answers each key with its argument, and a key called `bad` with an error element.
    private static let library = """
        #!lua name=echo
        local function echo(keys, arguments)
            local replies = {}
            for i, key in ipairs(keys) do
                replies[i] = key == 'bad' and redis.error_reply('BAD key') or key .. '=' .. arguments[i]
            end
            return replies
        end
        redis.register_function { function_name = 'echo', callback = echo, flags = { 'no-writes' } }
        redis.register_function { function_name = 'other', callback = echo, flags = { 'no-writes' } }
        """

    /// Submits all calls in one tick of the client's only loop and waits until each was told something.
    private func submit(_ calls: [TestCall], to client: RedisClient) async throws {
        try await waitUntil("it is connected") { client.isConnected }
        try await loop.submit {
            for call in calls { client.submit(call, on: 0) }
        }.get()
        try await waitUntil("all are told") { calls.allSatisfy { !$0.answers.isEmpty } }
    }

    private func withOneConnection<Result>(
        _ url: String, timeout: Duration = .seconds(60),
        _ story: (RedisClient) async throws -> Result
    ) async throws -> Result {
        try await withClient(
            url,
            {
                $0.connections = 1
                $0.commandTimeout = timeout
            }, on: loop, story)
    }

    @Test func `of one tick go out as commands of 64 keys, and each gets its own element`()
        async throws
    {
        try await withRedis { redis in
            try await withOneConnection(redis.url) { client in
                try await client.loadFunctions(Self.library, name: "echo")
                let before = client.health.commands
                let calls = (0..<130).map { TestCall("k\($0)", "\($0)") }
                try await submit(calls, to: client)
                for (index, call) in calls.enumerated() {
                    #expect(call.answers == [.success(.string(Array("k\(index)=\(index)".utf8)))])
                }
                #expect(client.health.commands - before == 3)
                #expect(client.health.pending == 0)
            }
        }
    }

    @Test func `keep their order when the function changes between them`() async throws {
        try await withRedis { redis in
            try await withOneConnection(redis.url) { client in
                try await client.loadFunctions(Self.library, name: "echo")
                let before = client.health.commands
                let calls = [
                    TestCall("a", "1"), TestCall("a", "2", .init("other", isReadOnly: true)),
                    TestCall("a", "3"), TestCall("a", "4"),
                ]
                try await submit(calls, to: client)
                let texts = calls.map { try? $0.answers.first?.get().text }
                #expect(texts == ["a=1", "a=2", "a=3", "a=4"])
                #expect(client.health.commands - before == 3)
            }
        }
    }

    @Test func `hear of one bad key alone`() async throws {
        try await withRedis { redis in
            try await withOneConnection(redis.url) { client in
                try await client.loadFunctions(Self.library, name: "echo")
                let calls = (0..<64).map { TestCall($0 == 17 ? "bad" : "k\($0)", "x") }
                try await submit(calls, to: client)
                for (index, call) in calls.enumerated() {
                    let error = try call.answers.first?.get().serverError
                    #expect((error?.code == "BAD") == (index == 17))
                }
            }
        }
    }

    @Test func `all hear the error of the whole command`() async throws {
        try await withRedis { redis in
            try await withOneConnection(redis.url) { client in
                let calls = (0..<3).map { TestCall("k\($0)", "x") }
                try await submit(calls, to: client)
                for call in calls {
                    #expect(try call.answers.first?.get().serverError?.isFunctionNotFound == true)
                }
            }
        }
    }

    /// Two answers for three keys, four, a number, an array in place of the list, null.
    @Test(arguments: [
        "*2\r\n$1\r\na\r\n$1\r\nb\r\n", "*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n", ":3\r\n", "$3\r\nabc\r\n",
        "*0\r\n", "$-1\r\n", "*-1\r\n", "+OK\r\n",
    ])
    func `are all refused when the answer has not one element for each`(reply: String) async throws
    {
        try await withFakeServer(afterGreeting: { command, _ in
            command == 1 ? .say([reply]) : .say(["*1\r\n:7\r\n"])
        }) { server in
            try await withOneConnection(server.url) { client in
                let calls = (0..<3).map { TestCall("k\($0)", "x") }
                try await submit(calls, to: client)
                for call in calls {
                    #expect(
                        call.answers == [
                            .failure(
                                .protocolViolation(
                                    "a function of 3 keys did not answer with as many elements"))
                        ])
                }
                // The connection is as good as before: what was wrong is the function.
                let next = TestCall("k", "x")
                try await submit([next], to: client)
                #expect(next.answers == [.success(.integer(7))])
                #expect(client.health.connects == 1 && client.health.pending == 0)
            }
        }
    }

    @Test func `end by their deadline, and a late reply reaches no caller`() async throws {
        try await withFakeServer(afterGreeting: { _, _ in .nothing }) { server in
            try await withOneConnection(server.url, timeout: .milliseconds(30)) { client in
                let calls = (0..<3).map { TestCall("k\($0)", "x") }
                try await submit(calls, to: client)
                for call in calls {
                    #expect(
                        call.answers == [
                            .failure(.deadline(after: .milliseconds(30), sent: true))
                        ])
                }
                #expect(client.health.pending == 0)
            }
        }
    }

    @Test func `get an error when the connection ends under them`() async throws {
        try await withFakeServer(afterGreeting: { command, _ in
            command == 1 ? .sayThenClose(["*2\r\n:1\r\n"]) : .nothing
        }) { server in
            try await withOneConnection(server.url) { client in
                let calls = (0..<2).map { TestCall("k\($0)", "x") }
                try await submit(calls, to: client)
                for call in calls {
                    #expect(call.answers == [.failure(.connectionLost(sent: true))])
                }
            }
        }
    }

    /// Each counts by itself, so a queue that is full turns away what does not fit and nothing more.
    @Test func `count by themselves where the queue is bounded`() async throws {
        try await withFakeServer(afterGreeting: { _, _ in .nothing }) { server in
            try await withClient(
                server.url,
                {
                    $0.connections = 1
                    $0.pendingMax = 2
                    $0.commandTimeout = .milliseconds(100)
                }, on: loop
            ) { client in
                try await waitUntil("it is connected") { client.isConnected }
                let calls = (0..<3).map { TestCall("k\($0)", "x") }
                for call in calls { client.submit(call, on: 0) }
                #expect(calls[2].answers == [.failure(.queueFull(limit: 2))])
                try await waitUntil("the others end") { calls.allSatisfy { !$0.answers.isEmpty } }
                #expect(client.health.pending == 0)
            }
        }
    }
}
