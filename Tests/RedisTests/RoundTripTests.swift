import LocalServers
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import Redis

@Suite(.timed, .timeLimit(.minutes(5))) struct `A real server` {
    @Test func `answers in every kind of reply, on its socket and over TCP`() async throws {
        try await withRedis(RedisOptions(listensOnTCP: true, appendOnly: false)) { redis in
            for url in [redis.url, try #require(redis.tcpURL) + "/3"] {
                try await withClient(url) { client in try await everyKind(client) }
            }
            #expect(try await redis.client(["-n", "3", "GET", "text"]) == "grün\n")
        }
    }

    private func everyKind(_ client: RedisClient) async throws {
        let wrongType = RedisCommand("INCR", ["text"])
        let anyBytes = (0...255).map { UInt8($0) }
        #expect(try await client.send(RedisCommand("SET", ["text", "grün"])) == .status("OK"))
        #expect(try await client.send(RedisCommand("GET", ["text"])).text == "grün")
        #expect(
            try await client.send(RedisCommand("SET", [.bytes(anyBytes), ""])) == .status("OK"))
        #expect(try await client.send(RedisCommand("GET", [.bytes(anyBytes)])) == .string([]))
        #expect(try await client.send(RedisCommand("ECHO", [.bytes(anyBytes)])).bytes == anyBytes)
        #expect(try await client.send(RedisCommand("ECHO", [.integer(.min)])).int == .min)
        #expect(try await client.send(RedisCommand("GET", ["nothing"])) == .null)
        #expect(try await client.send(RedisCommand("STRLEN", ["text"])) == .integer(5))
        #expect(try await client.send(wrongType).serverError?.code == "ERR")
        let nested = RedisCommand("EVAL", ["return {1, {'a', {}}, false, {err = 'NO way'}}", 0])
        #expect(
            try await client.send(nested)
                == .array([
                    .integer(1), .array([.string([97]), .array([])]), .null,
                    .error(RedisServerError(code: "NO", message: "way")),
                ]))
        let large = [UInt8](repeating: 7, count: 1 << 20)
        #expect(try await client.send(RedisCommand("ECHO", [.bytes(large)])).bytes == large)
    }

    @Test func `gives each of 100,000 concurrent callers its own reply`() async throws {
        try await withRedis { redis in
            try await withClient(redis.url, { $0.pendingMax = 100_000 }) { client in
                let turn = await ProcessorTurn.take()
                defer { withExtendedLifetime(turn) {} }
                let right = await withTaskGroup { group in
                    for number in 0..<100_000 {
                        group.addTask {
                            let echo = RedisCommand("ECHO", ["n\(number)"])
                            return (try? await client.send(echo))?.text == "n\(number)"
                        }
                    }
                    return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                #expect(right == 100_000)
                let health = client.health
                #expect(health.commands == 100_000)
                #expect(health.flushes < health.commands / 2, "callers share writes")
                #expect(health.pending == 0)
                #expect(health.connects == health.connections)
            }
        }
    }

    @Test func `gets what one tick sends in one write, and answers on the same loop`() async throws
    {
        try await withRedis { redis in
            try await withClient(redis.url) { client in
                try await waitUntil("every connection is up") {
                    client.health.connected == client.health.connections
                }
                let before = client.health.flushes
                let loop = MultiThreadedEventLoopGroup.singleton.next()
                let stayed = Atomic<Int>(0)
                let (answers, count) = AsyncStream<Void>.makeStream()
                loop.execute {
                    for number in 0..<500 {
                        client.submit(RedisCommand("ECHO", ["\(number)"])) { answer in
                            if loop.inEventLoop, (try? answer.get().text) == "\(number)" {
                                stayed.wrappingAdd(1, ordering: .relaxed)
                            }
                            count.yield()
                        }
                    }
                }
                var seen = 0
                for await _ in answers {
                    seen += 1
                    if seen == 500 { break }
                }
                #expect(stayed.load(ordering: .relaxed) == 500)
                #expect(client.health.flushes - before == 1)
            }
        }
    }

    @Test func `runs a pipeline in order with nothing between`() async throws {
        try await withRedis { redis in
            try await withClient(redis.url) { client in
                try await withThrowingTaskGroup { group in
                    for _ in 0..<50 {
                        group.addTask {
                            let commands = (0..<20).map { _ in RedisCommand("INCR", ["count"]) }
                            let replies = try await client.send(pipeline: commands)
                            return replies.compactMap(\.int)
                        }
                    }
                    for try await numbers in group {
                        let first = try #require(numbers.first)
                        #expect(numbers.count == 20)
                        #expect((first - 1).isMultiple(of: 20) || client.health.connections > 1)
                        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 })
                    }
                }
                #expect(try await client.send(RedisCommand("GET", ["count"])).int == 1000)
                #expect(try await client.send(pipeline: []).isEmpty)
            }
        }
    }

    @Test func `keeps the pipelines of one connection apart`() async throws {
        try await withRedis { redis in
            try await withClient(redis.url, { $0.connections = 1 }) { client in
                let group = RedisCommand("INCR", ["count"])
                await withTaskGroup { tasks in
                    for _ in 0..<200 {
                        tasks.addTask {
                            let replies = try? await client.send(pipeline: [group, group, group])
                            let numbers = replies?.compactMap(\.int) ?? []
                            #expect(numbers.count == 3)
                            #expect(numbers.first.map { ($0 - 1) % 3 } == 0)
                            #expect(numbers.last.map { $0 % 3 } == 0)
                        }
                    }
                }
            }
        }
    }
}
