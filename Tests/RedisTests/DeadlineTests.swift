import Glibc
import LocalServers
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import Redis

@Suite(.timed, .timeLimit(.minutes(5))) struct `A deadline` {
    private let increment = RedisCommand("INCR", ["count"])

    @Test func `on a frozen server says that the command may run, and its late reply is reported`()
        async throws
    {
        try await withRedis { redis in
            try await withClient(redis.url, { $0.connections = 1 }) { client in
                try await client.ping()
                redis.send(SIGSTOP)
                let late = Answers()
                let error = await failure { () throws(RedisError) in
                    try await client.send(increment, timeout: .seconds(1)) { answer in
                        late.add(answer)
                    }
                }
                #expect(error == .deadline(after: .seconds(1), sent: true))
                for _ in 0..<5 {
                    let next = await failure { () throws(RedisError) in
                        try await client.send(increment, timeout: .milliseconds(20))
                    }
                    #expect(next?.mayHaveRun == false)
                }
                #expect(late.all.isEmpty)
                #expect(client.health.pending == 0, "what a suspect connection owes takes no room")

                redis.send(SIGCONT)
                try await waitUntil("the late reply is told") { !late.all.isEmpty }
                #expect(late.all == [.success(.integer(1))])
                try await waitUntil("the client recovers") { client.isConnected }
                #expect(try await client.send(increment) == .integer(2))
                for number in 0..<1000 {
                    let echo = RedisCommand("ECHO", ["\(number)"])
                    #expect(try await client.send(echo).text == "\(number)")
                }
                #expect(client.health.connects == 2)
            }
        }
    }

    @Test func `that passes for one does not end the wait of the others`() async throws {
        try await withRedis { redis in
            try await withClient(redis.url, { $0.connections = 1 }) { client in
                try await client.ping()
                redis.send(SIGSTOP)
                async let patient = client.send(increment)
                try await waitUntil("it is sent") { client.health.commands == 2 }
                let error = await failure { () throws(RedisError) in
                    try await client.send(increment, timeout: .seconds(1))
                }
                #expect(error == .deadline(after: .seconds(1), sent: true))
                redis.send(SIGCONT)
                #expect(try await patient == .integer(1))
                try await waitUntil("both ran") {
                    (try? await client.send(RedisCommand("GET", ["count"])))?.int == 2
                }
            }
        }
    }

    @Test func `of nothing is over before the command is sent`() async throws {
        try await withRedis { redis in
            try await withClient(redis.url) { client in
                try await client.ping()
                for timeout in [Duration.zero, .seconds(-1)] {
                    let error = await failure { () throws(RedisError) in
                        try await client.send(increment, timeout: timeout)
                    }
                    #expect(error == .deadline(after: timeout, sent: false))
                }
                #expect(
                    try await client.send(increment, timeout: .seconds(Int64.max)) == .integer(1))
            }
        }
    }

    @Test func `does not pass for a reply that came while our own loop was held up`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        try await withRedis { redis in
            try await withClient(redis.url, on: group) { client in
                try await client.ping()
                let answers = Answers()
                group.next().execute {
                    client.submit(increment, timeout: .milliseconds(50)) { answers.add($0) }
                    // Queued behind the flush, so the reply arrives while the loop stands still.
                    group.next().execute { usleep(500_000) }
                }
                try await waitUntil("it is answered") { !answers.all.isEmpty }
                #expect(answers.all == [.success(.integer(1))])
                #expect(client.health.connects == 1)
            }
        }
        try await group.shutdownGracefully()
    }

    @Test func `passes in the queue of a client that still connects`() async throws {
        try await withServer(script: { _, _ in .nothing }) { server in
            try await withClient(server.url, { $0.connectTimeout = .seconds(20) }) { client in
                let error = await failure { () throws(RedisError) in
                    try await client.send(increment, timeout: .milliseconds(10))
                }
                #expect(error == .deadline(after: .milliseconds(10), sent: false))
                #expect(client.health.pending == 0)
            }
        }
    }

    @Test func `and a full queue turn callers away with the limit`() async throws {
        try await withRedis { redis in
            let change: (inout RedisConfiguration) -> Void = { configuration in
                configuration.connections = 1
                configuration.pendingMax = 10
                configuration.pendingBytesMax = 100_000
            }
            try await withClient(redis.url, change) { client in
                try await client.ping()
                redis.send(SIGSTOP)
                let answers = Answers()
                for _ in 0..<15 {
                    client.submit(increment) { answer in answers.add(answer) }
                }
                #expect(
                    answers.all
                        == Array(repeating: .failure(.queueFull(limit: 10)), count: 5))
                #expect(
                    await failure { () throws(RedisError) in
                        try await client.send(pipeline: [increment, increment])
                    } == .queueFull(limit: 10))
                redis.send(SIGCONT)
                try await waitUntil("the others are answered") {
                    answers.all.count == 15
                }
                #expect(try await client.send(increment) == .integer(11))
                let large = RedisCommand("ECHO", [.bytes([UInt8](repeating: 1, count: 100_000))])
                #expect(
                    await failure { () throws(RedisError) in
                        try await client.send(large)
                    } == .queueFull(limit: 100_000))
                #expect(client.health.pending == 0)
            }
        }
    }
}

@Suite(.timed, .timeLimit(.minutes(5))) struct `A cancelled task` {
    private let increment = RedisCommand("INCR", ["count"])

    @Test func `is resumed at once and the replies after it stay in step`() async throws {
        try await withRedis { redis in
            try await withClient(redis.url, { $0.connections = 1 }) { client in
                try await client.ping()
                redis.send(SIGSTOP)
                let late = Answers()
                let task = Task {
                    await failure { () throws(RedisError) in
                        try await client.send(increment) { answer in
                            late.add(answer)
                        }
                    }
                }
                try await waitUntil("it is sent") { client.health.commands == 2 }
                task.cancel()
                #expect(await task.value == .cancelled(sent: true))
                async let next = client.send(RedisCommand("ECHO", ["mine"]))
                redis.send(SIGCONT)
                #expect(try await next.text == "mine")
                #expect(late.all == [.success(.integer(1))])
                #expect(client.health.connects == 1)
            }
        }
    }

    @Test func `never sends when it was cancelled before`() async throws {
        try await withRedis { redis in
            try await withClient(redis.url) { client in
                let task = Task { () -> (RedisError?, RedisError?) in
                    withUnsafeCurrentTask { $0?.cancel() }
                    let one = await failure { () throws(RedisError) in
                        try await client.send(increment)
                    }
                    let many = await failure { () throws(RedisError) in
                        try await client.send(pipeline: [increment])
                    }
                    return (one, many)
                }
                let (one, many) = await task.value
                #expect(one == .cancelled(sent: false) && many == .cancelled(sent: false))
                let count = try await client.send(RedisCommand("GET", ["count"]))
                #expect(count == .null)
            }
        }
    }

    @Test func `among thousands disturbs none of the others`() async throws {
        let seed = Seed.current("cancelled among thousands")
        try await withRedis { redis in
            try await withClient(redis.url) { client in
                let turn = await ProcessorTurn.take()
                defer { withExtendedLifetime(turn) {} }
                var random = SplitMix64(seed: seed)
                let tasks = (0..<5000).map { number in
                    Task {
                        do throws(RedisError) {
                            let reply = try await client.send(RedisCommand("ECHO", ["\(number)"]))
                            return reply.text == "\(number)"
                        } catch {
                            guard case .cancelled = error else { return false }
                            return true
                        }
                    }
                }
                for task in tasks where Bool.random(using: &random) { task.cancel() }
                var right = 0
                for task in tasks { right += await task.value ? 1 : 0 }
                #expect(right == 5000, "seed \(seed)")
                try await waitUntil("nothing is owed") { client.health.pending == 0 }
                #expect(client.health.connects <= client.health.connections)
            }
        }
    }
}
