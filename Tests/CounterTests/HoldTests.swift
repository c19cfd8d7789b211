import Counters
import LocalServers
import Metering
import Redis
import TestSupport
import Testing

@testable import Quotas

@Suite(.timed, .serialized) struct `Holds in Redis` {
    private let clinic = ClinicID(high: 0xbeef, low: UInt64.random(in: 1...UInt64.max))

    @Test func `are what the rules in Swift say, for random steps`() async throws {
        let name = "holds = rules"
        try await SteeredRedis.lend { redis in
            var box = TimeBox(name)
            var random = SplitMix64(seed: Seed.current(name))
            var seen: Set<HoldReply.Outcome> = []
            while await box.hasTime {
                var story = HoldStory(redis: redis, random: SplitMix64(seed: random.next()))
                try await story.run(steps: 150)
                seen.formUnion(story.seen)
                if story.hasFailed { break }
            }
            box.report()
            // A thousand holds and the ids of a whole hour are too many for a story; they have tests of their own.
            if box.turns > 40 {
                let rare: Set<HoldReply.Outcome> = [.tooMany]
                let all = Set((0...12).compactMap(HoldReply.Outcome.init(rawValue:)))
                #expect(all.subtracting(seen).subtracting(rare) == [])
            }
        }
    }

    @Test func `take a thousand of one clinic and not one more`() async throws {
        try await withOpened { redis, now in
            for number in 0..<1_000 {
                let told = try await reserve(redis, UInt64(number), ttl: 5_000_000)
                #expect(told.outcome == .reserved)
            }
            let refused = try await reserve(redis, 5_000, ttl: 5_000_000)
            #expect(refused.outcome == .tooMany && refused.time == 5_000_000)
            #expect(refused.reply.mark.used == 1_000)
            try await redis.set(now: now + 5_000_000)
            let after = try await reserve(redis, 5_001, ttl: 5_000_000)
            #expect(after.outcome == .reserved)
            #expect(after.reply.mark.used == 1_001 && after.reply.mark.credited == 1_000)
        }
    }

    @Test func `live as long as they are open, and ids for two to three hours`() async throws {
        try await withOpened { redis, now in
            _ = try await reserve(redis, 1, ttl: 86_400_000_000)
            #expect(try await timeToLive(redis, CounterKey.holds(of: clinic)) == -1)
            let claim = HoldClaim(mark: nil, nonce: 1)
            let id = CallID(high: 0, low: 1)
            #expect(
                try await redis.store.send(.release(claim, id: id), for: clinic).outcome
                    == .released)
            let key = CounterKey.seen(of: clinic)[Int(now / 3_600_000_000 % 3)]
            #expect((10_000_000...10_800_000).contains(try await timeToLive(redis, key)))
            #expect(try await redis.hash(CounterKey.holds(of: clinic)).isEmpty)
            // Two hours later to the microsecond it is still known; after the third hour it is not.
            try await redis.set(now: now + 7_200_000_000)
            let again = try await redis.store.send(.release(claim, id: id), for: clinic)
            #expect(again.outcome == .released && again.isRepeated)
            try await redis.set(now: now + 10_800_000_000)
            #expect(
                try await redis.store.send(.release(claim, id: id), for: clinic).outcome == .unknown
            )
        }
    }

    @Test func `count on without remembering when an hour has too many ids`() async throws {
        try await withOpened { redis, now in
            let hour = now / 3_600_000_000
            let key = CounterKey.seen(of: clinic)[Int(hour % 3)]
            var fields: [RedisArgument] = [.bytes(key), "", .integer(hour)]
            for number in 0..<50_000 { fields += [.string("filler \(number)"), "x"] }
            _ = try await redis.client.send(RedisCommand("HSET", fields), timeout: .seconds(30))
            for times in 1...2 {
                let told = try await redis.store.send(
                    .checkOnce(request(), id: CallID(high: 1, low: 1)), for: clinic)
                #expect(told.outcome == .counted && told.isForgotten && !told.isRepeated)
                #expect(told.reply.mark.used == Int64(times))
            }
            // A refund must not be given twice, so without room it is refused.
            for number in 0..<10_000 { fields += [.string("more \(number)"), "x"] }
            _ = try await redis.client.send(RedisCommand("HSET", fields), timeout: .seconds(30))
            let refund = HoldCall.refund(
                HoldClaim(mark: nil, nonce: 1), id: CallID(high: 1, low: 1), units: 1)
            #expect(try await redis.store.send(refund, for: clinic).outcome == .tooMany)
        }
    }

    @Test func `change nothing when a key holds something else`() async throws {
        try await withOpened { redis, _ in
            _ = try await reserve(redis, 1, ttl: 1_000_000)
            let before = try await redis.raw(clinic)
            for key in [CounterKey.holds(of: clinic)] + CounterKey.seen(of: clinic) {
                _ = try await redis.client.send(RedisCommand("RENAME", [.bytes(key), "kept"]))
                _ = try await redis.client.send(RedisCommand("SET", [.bytes(key), "foreign"]))
                let told = try await reserve(redis, 2, ttl: 1_000_000)
                #expect(told.outcome == .none && told.reply.verdict == .unreadable)
                #expect(try await redis.raw(clinic) == before)
                _ = try await redis.client.send(RedisCommand("DEL", [.bytes(key)]))
                _ = try await redis.client.send(RedisCommand("RENAME", ["kept", .bytes(key)]))
            }
        }
    }

    /// Without `allow-oom`, so that nothing is half done: what gives back goes on.
    @Test func `are refused when memory is full, and may still be given back`() async throws {
        try await withOpened { redis, _ in
            _ = try await reserve(redis, 1, ttl: 60_000_000)
            _ = try await redis.server.client(["CONFIG", "SET", "maxmemory", "1"])
            let before = try await redis.raw(clinic)
            await #expect(throws: QuotaError.countersUnavailable("Redis answered OOM")) {
                try await reserve(redis, 2, ttl: 60_000_000)
            }
            #expect(try await redis.raw(clinic) == before)
            let released = try await redis.store.send(
                .release(HoldClaim(mark: nil, nonce: 1), id: CallID(high: 0, low: 1)), for: clinic)
            #expect(released.outcome == .released && released.reply.mark.credited == 1)
        }
    }

    // MARK: One clinic

    private func withOpened(
        _ body: (SteeredRedis, _ now: Int64) async throws -> Void
    ) async throws {
        try await SteeredRedis.lend { redis in
            let clock = try Clock()
            // A full hour, so that the third hour after it begins exactly then.
            let now = (clock.january.start / 3_600_000_000 + 5) * 3_600_000_000
            try await redis.set(replicationID: "one")
            try await redis.set(now: now)
            _ = try await redis.store.configure(clinic, clock.configuration(version: 1))
            try await body(redis, now)
        }
    }

    private func request() -> CheckRequest {
        CheckRequest(limit: 1, mode: .consume, cost: 1, mark: nil, nonce: 1)
    }

    private func reserve(
        _ redis: SteeredRedis, _ number: UInt64, ttl: Int64
    ) async throws -> HoldReply {
        let terms = HoldTerms(
            id: CallID(high: 0, low: number), timeToLive: ttl, concurrent: nil, configVersion: 1)
        return try await redis.store.send(.reserve(request(), terms), for: clinic)
    }

    private func timeToLive(_ redis: SteeredRedis, _ key: [UInt8]) async throws -> Int64 {
        try await redis.client.send(RedisCommand("PTTL", [.bytes(key)])).int ?? -9
    }
}
