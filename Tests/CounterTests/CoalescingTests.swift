import Counters
import Metering
import NIOCore
import NIOPosix
import Quotas
import Redis
import Synchronization
import TestSupport
import Testing

/// What stands in one list, in the order in which it came.
private final class Told: Sendable {
    typealias Answer = (index: Int, result: Result<CounterReply, QuotaError>)
    private let answers = Mutex<[Answer]>([])

    var all: [Answer] { answers.withLock { $0 } }
    func add(_ index: Int, _ result: Result<CounterReply, QuotaError>) {
        answers.withLock { $0.append((index, result)) }
    }
}

@Suite(.timed, .serialized) struct `Checks that wait together` {
    /// Asks all in one tick of the connection's event loop; answers in the order of the questions.
    private func ask(
        _ questions: [(clinic: ClinicID, request: CheckRequest)], _ store: RedisCounterStore
    ) async throws -> [Result<CounterReply, QuotaError>] {
        let told = Told()
        // A client with one connection has it on the first loop of its group.
        var loops = MultiThreadedEventLoopGroup.singleton.makeIterator()
        let first = loops.next()
        let loop = try #require(first)
        try await loop.submit {
            for (index, question) in questions.enumerated() {
                store.check(question.clinic, question.request) { told.add(index, $0) }
            }
        }.get()
        try await waitUntil("all are answered") { told.all.count == questions.count }
        return told.all.sorted { $0.index < $1.index }.map(\.result)
    }

    private func request(
        _ mode: CheckRequest.Mode = .consume, cost: Int64 = 1, limit: UInt16 = 1,
        writes: Bool = false
    ) -> CheckRequest {
        CheckRequest(
            limit: limit, mode: mode, cost: cost, writes: writes, mark: nil,
            nonce: .random(in: .min ... .max))
    }

    private func clinics(_ count: Int, _ kind: UInt64) -> [ClinicID] {
        (0..<count).map { ClinicID(high: kind, low: UInt64($0)) }
    }

    private func withSteered(_ story: (SteeredRedis) async throws -> Void) async throws {
        try await SteeredRedis.lend { redis in
            try await redis.set(replicationID: "one")
            try await redis.set(now: Clock().january.start + 1_000_000)
            try await story(redis)
        }
    }

    private func configure(
        _ clinics: [ClinicID], _ redis: SteeredRedis, burst: Int64 = 1_000, quota: Int64 = -1
    ) async throws {
        var configuration = try Clock().configuration(version: 1, quota: quota)
        configuration.limits = [
            try #require(
                RateLimit(
                    id: LimitID(group: 1, window: 0), rate: 1, per: 1_000_000, burst: burst))
        ]
        for clinic in clinics { _ = try await redis.store.configure(clinic, configuration) }
    }

    @Test func `go out as one call for each 64 clinics`() async throws {
        try await withSteered { redis in
            let clinics = clinics(150, 1)
            try await configure(clinics, redis)
            let before = redis.client.health
            let replies = try await ask(clinics.map { ($0, request()) }, redis.store)
            for reply in replies { #expect(try reply.get().mark.used == 1) }
            #expect(redis.client.health.commands - before.commands == 3)
            #expect(redis.client.health.flushes - before.flushes == 1)
        }
    }

    @Test func `of one clinic become one entry, and each gets its own numbers`() async throws {
        try await withSteered { redis in
            let clinic = clinics(1, 6)[0]
            try await configure([clinic], redis, burst: 200, quota: 150)
            let before = redis.client.health.commands
            let replies = try await ask(
                Array(repeating: (clinic, request()), count: 256), redis.store)
            let read = try replies.map { try $0.get() }
            #expect(redis.client.health.commands - before == 1)
            #expect(read.prefix(150).allSatisfy { $0.verdict == .allowed })
            #expect(read.prefix(150).map(\.usage) == Array(1...150))
            #expect(
                read.prefix(150).map(\.limits[0].remaining) == Array((Int64(50)..<200).reversed()))
            #expect(read.dropFirst(150).allSatisfy { $0.verdict == .denied && $0.usage == 150 })
            #expect(read.dropFirst(150).allSatisfy { $0.mask == CounterReply.quotaBit })
            // A thread that is held up for a millisecond meanwhile begins another entry.
            let marks = read.map(\.mark.used)
            #expect(marks == marks.sorted() && marks.last == 150)
            #expect(Set(marks).count < 50, "as one entry, or a few")
        }
    }

    /// One caller leaves; the others of its entry, and what it had begun, go on.
    @Test func `of one clinic do not end with one of their callers`() async throws {
        try await withSteered { redis in
            let clinic = clinics(1, 7)[0]
            try await configure([clinic], redis)
            let verdicts = await withTaskGroup(of: CounterReply.Verdict?.self) { group in
                for index in 0..<40 {
                    group.addTask {
                        let task = Task { try await redis.store.check(clinic, request()) }
                        if index % 4 == 0 { task.cancel() }
                        return try? await task.value.verdict
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(verdicts.count { $0 == .allowed } >= 30)
            #expect(verdicts.allSatisfy { $0 == nil || $0 == .allowed })
            let used = try await redis.store.values(of: [clinic])[0].value?.used
            #expect((30...40).contains(used ?? 0))
        }
    }

    @Test func `of one clinic and different kinds are counted one by one, in order`() async throws {
        try await withSteered { redis in
            let clinic = clinics(1, 2)[0]
            try await configure([clinic], redis, burst: 10)
            let requests = [
                request(cost: 2), request(cost: 3), request(.peek, cost: 5),
                request(cost: 1, writes: true), request(cost: 5),
            ]
            let before = redis.client.health.commands
            let replies = try await ask(requests.map { (clinic, $0) }, redis.store)
            let read = try replies.map { try $0.get() }
            #expect(read.map(\.verdict) == [.allowed, .allowed, .allowed, .allowed, .denied])
            #expect(read.map(\.usage) == [2, 5, 5, 6, 6])
            #expect(read.map(\.limits[0].remaining) == [8, 5, 5, 4, 4])
            #expect(redis.client.health.commands - before == 3)
        }
    }

    @Test func `fail alone when their value is not readable`() async throws {
        try await withSteered { redis in
            let clinics = clinics(64, 3)
            try await configure(clinics, redis)
            try await redis.replace(clinics[5], with: [1, 2, 3])
            try await redis.replace(clinics[6], with: nil)
            let key = RedisArgument.bytes(CounterKey.counter(of: clinics[7]))
            _ = try await redis.client.send(RedisCommand("DEL", [key]))
            _ = try await redis.client.send(RedisCommand("RPUSH", [key, "a list"]))
            let before = redis.client.health.commands
            let replies = try await ask(clinics.map { ($0, request()) }, redis.store)
            #expect(redis.client.health.commands - before == 1)
            for (index, reply) in replies.enumerated() {
                let verdict = try reply.get().verdict
                switch index {
                case 5, 7: #expect(verdict == .unreadable)
                case 6: #expect(verdict == .miss)
                default: #expect(verdict == .allowed)
                }
            }
        }
    }

    /// A library that Redis lost is loaded once, and every check is answered.
    @Test func `bring back a library that Redis lost`() async throws {
        try await withSteered { redis in
            let clinics = clinics(70, 4)
            try await configure(clinics, redis)
            _ = try await redis.client.send(RedisCommand("FUNCTION", ["FLUSH"]))
            let replies = try await ask(clinics.map { ($0, request()) }, redis.store)
            // The library that comes back reads the real clock; the month of the test is over by then or to come.
            for reply in replies { #expect((try? reply.get()) != nil) }
        }
    }

    /// What a broken or hostile function may answer for two keys, and that it is an error for both.
    @Test(arguments: [
        "{ 'one' }", "{ 'one', 'two', 'three' }", "{}", "'text'", "7", "{ 1, 2 }",
        "{ {}, {} }", "{ 'x', redis.error_reply('BAD') }", "{ string.rep('\\1', 88), 'short' }",
        "redis.error_reply('BAD reply')", "nil",
    ])
    func `fail with an error when the function answers something else`(answer: String)
        async throws
    {
        try await withSteered { redis in
            let hostile = """
                #!lua name=metering
                redis.register_function('metering_check', function() return \(answer) end)
                redis.register_function { function_name = 'metering_version',
                    callback = function() return 1000 end, flags = { 'no-writes' } }
                """
            _ = try await redis.client.send(
                RedisCommand("FUNCTION", ["LOAD", "REPLACE", .string(hostile)]))
            let replies = try await ask(clinics(2, 5).map { ($0, request()) }, redis.store)
            for reply in replies {
                #expect(throws: QuotaError.self) { try reply.get() }
            }
        }
    }

    /// The same calls, all at once and one after the other: the same number of each verdict for each clinic.
    @Test func `are decided as if each had come alone`() async throws {
        try await withSteered { redis in
            let name = "together = alone"
            var random = SplitMix64(seed: Seed.current(name))
            var box = TimeBox(name)
            var kind: UInt64 = 100
            while await box.hasTime {
                kind += 2
                let count = Int.random(in: 1...12, using: &random)
                let (together, alone) = (clinics(count, kind), clinics(count, kind + 1))
                for index in 0..<count {
                    let burst = Int64.random(in: 1...40, using: &random)
                    let quota =
                        Bool.random(using: &random) ? -1 : Int64.random(in: 0...40, using: &random)
                    try await configure(
                        [together[index], alone[index]], redis, burst: burst, quota: quota)
                }
                // One cost for each clinic: calls of different costs may be admitted in another order.
                let costs = (0..<count).map { _ in Int64.random(in: 1...4, using: &random) }
                let calls = (0..<Int.random(in: 1...200, using: &random)).map { _ in
                    Int.random(in: 0..<count, using: &random)
                }
                let coalesced = try await ask(
                    calls.map { (together[$0], request(cost: costs[$0])) }, redis.store)
                var verdicts: [[CounterReply.Verdict: Int]] = Array(repeating: [:], count: count)
                for (call, reply) in zip(calls, coalesced) {
                    verdicts[call][try reply.get().verdict, default: 0] += 1
                }
                for call in calls {
                    let reply = try await redis.store.check(
                        alone[call], request(cost: costs[call]))
                    verdicts[call][reply.verdict, default: 0] -= 1
                }
                #expect(verdicts.allSatisfy { $0.values.allSatisfy { $0 == 0 } })
                let values = try await redis.store.values(of: together + alone)
                for index in 0..<count {
                    #expect(values[index].value?.used == values[count + index].value?.used)
                    #expect(
                        values[index].value?.limits.map(\.time)
                            == values[count + index].value?.limits.map(\.time))
                }
            }
            box.report()
        }
    }
}
