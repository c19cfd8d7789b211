import Counters
import LocalServers
import Logging
import Metering
import NIOPosix
import Quotas
import Redis
import TestSupport
import Testing

/// Sequences that lose or double counts under simpler rules, played on a real server with the real library.
@Suite(.timed, .serialized) struct `Redis that forgets` {
    private let clinic = ClinicID(high: 0xfeed, low: UInt64.random(in: 1...UInt64.max))
    private let ledger = TestLedger()

    /// FLUSHALL on the same server: the replication id stays, the counts are gone.
    @Test func `loses no acknowledged call to FLUSHALL`() async throws {
        try await Player.lend(clinic, ledger) { player in
            try await player.calls(1_000)
            try await player.checkpoint()
            _ = try await player.server.client(["FLUSHALL"])
            try await player.calls(800)
            try await player.checkpoint()
            #expect(ledger.total == 1_800)
        }
    }

    /// The same when only this key went, by DEL, an eviction or a slot that moved away and back.
    @Test func `loses no acknowledged call to a key that went and came back`() async throws {
        try await Player.lend(clinic, ledger) { player in
            try await player.calls(100)
            let old = try await player.raw()
            try await player.calls(50)
            try await player.checkpoint()
            // The value of 100 calls comes back, as when a slot returns to a server that kept an older copy.
            try await player.write(old)
            try await player.calls(30)
            try await player.checkpoint()
            #expect(ledger.total == 180)
        }
    }

    /// Counts of a closed period stay in the value until the ledger has them, whoever dies in between.
    @Test func `keeps closed counts until they are settled with equal numbers`() async throws {
        try await SteeredRedis.lend { redis in
            let clock = try Clock()
            try await redis.set(replicationID: "one")
            try await redis.set(now: clock.january.start + 5)
            _ = try await redis.store.configure(clinic, clock.configuration(version: 1))
            for _ in 0..<5 { _ = try await redis.store.check(clinic, one()) }
            try await redis.set(now: clock.january.end + 5)
            _ = try await redis.store.check(clinic, one())
            // The reader of the closed count dies before it committed; the next reader finds it again.
            for _ in 0..<2 {
                let value = try #require(await redis.store.values(of: [clinic])[0].value)
                #expect(value.closed.map(\.used) == [5] && value.used == 1)
            }
            let closed = try #require(await redis.store.values(of: [clinic])[0].value?.closed)
            var wrong = closed
            wrong[0].used = 4
            #expect(try await redis.store.settle(clinic, wrong) == 0)
            #expect(try await redis.store.settle(clinic, closed) == 1)
            #expect(try await redis.store.values(of: [clinic])[0].value?.closed == [])
        }
    }

    /// A configuration read before midnight arrives after the roll: the period must not go back.
    @Test func `does not roll a period back`() async throws {
        try await SteeredRedis.lend { redis in
            let clock = try Clock()
            try await redis.set(replicationID: "one")
            try await redis.set(now: clock.january.start + 5)
            _ = try await redis.store.configure(clinic, clock.configuration(version: 1))
            for _ in 0..<5 { _ = try await redis.store.check(clinic, one()) }
            try await redis.set(now: clock.january.end + 5)
            for _ in 0..<3 { _ = try await redis.store.check(clinic, one()) }
            let late = try await redis.store.configure(clinic, clock.configuration(version: 2))
            #expect(late.verdict == .configured && late.mark.period == clock.january.end)
            let value = try #require(await redis.store.values(of: [clinic])[0].value)
            #expect(value.used == 3 && value.closed.map(\.used) == [5])
        }
    }

    /// Eight closed counts that nobody settled: refuse rather than forget one.
    @Test func `counts nothing more when no room is left for closed counts`() async throws {
        try await SteeredRedis.lend { redis in
            let clock = try Clock()
            try await redis.set(now: clock.january.start + 5)
            try await redis.set(replicationID: "0")
            _ = try await redis.store.configure(clinic, clock.configuration(version: 1))
            for number in 0..<8 {
                #expect(try await redis.store.check(clinic, one()).verdict == .allowed)
                try await redis.set(replicationID: "\(number + 1)")
                try await redis.set(now: clock.january.start + Int64(number + 1) * 1_000_000)
            }
            #expect(try await redis.store.check(clinic, one()).verdict == .allowed)
            try await redis.set(replicationID: "9")
            try await redis.set(now: clock.january.start + 100_000_000)
            let before = try await redis.raw(clinic)
            #expect(try await redis.store.check(clinic, one()).verdict == .unsettled)
            #expect(try await redis.raw(clinic) == before)
            let closed = try #require(await redis.store.values(of: [clinic])[0].value?.closed)
            #expect(try await redis.store.settle(clinic, closed) == 8)
            #expect(try await redis.store.check(clinic, one()).verdict == .allowed)
        }
    }

    /// Both sides of a split count under one epoch, unless a replica's read-only call cannot teach the server
    /// its identity, and a promoted server is a new one.
    @Test func `counts under a new epoch after a promotion`() async throws {
        try await Player.lend(clinic, ledger) { player in
            try await Player.lend(clinic, ledger, installs: false) { other in
                let replica = other.server
                _ = try await replica.client([
                    "REPLICAOF", "127.0.0.1", "\(player.server.port ?? 0)",
                ])
                try await player.calls(50)
                try await waitUntil("the replica has the value") {
                    try await other.raw() == player.raw()
                }
                // Read-only calls on the replica run with the primary's replication id.
                for _ in 0..<3 { _ = try await other.store.check(clinic, one(.peek)) }
                _ = try await replica.client(["REPLICAOF", "NO", "ONE"])
                try await player.calls(80)
                try await other.calls(50)
                try await player.checkpoint()
                try await other.checkpoint()
                #expect(ledger.total == 180)
            }
        }
    }

    /// used and credited only rise, so giving back is seen through a merge by maximum.
    @Test func `sees what is given back`() {
        let before = UsageCheckpoint(
            month: .first, clinic: clinic, epoch: Epoch(rawValue: 1), used: 100, credited: 0,
            observedAt: 1)
        var after = before
        (after.used, after.credited, after.observedAt) = (115, 20, 2)
        let merged = UsageCheckpoint.merged([after, before])
        #expect(merged.count == 1 && merged[0].net == 95)
    }

    /// A plan change and a standing change race: the later version wins, an equal one with other inputs is told.
    @Test func `never keeps an old plan under a new version`() async throws {
        try await SteeredRedis.lend { redis in
            let clock = try Clock()
            try await redis.set(replicationID: "one")
            try await redis.set(now: clock.january.start + 5)
            _ = try await redis.store.configure(clinic, clock.configuration(version: 4, quota: 10))
            let same = try await redis.store.configure(
                clinic, clock.configuration(version: 4, quota: 20))
            #expect(same.verdict == .conflict && same.configVersion == 4 && same.quota == 10)
            let older = try await redis.store.configure(
                clinic, clock.configuration(version: 3, quota: 20))
            #expect(older.verdict == .older && older.configVersion == 4)
            let newer = try await redis.store.configure(
                clinic, clock.configuration(version: 5, quota: 20))
            #expect(newer.verdict == .configured && newer.quota == 20)
        }
    }

    /// What fails in a function is not rolled back, so nothing is written before everything is read.
    @Test func `counts nothing in a call that fails`() async throws {
        try await Player.lend(clinic, ledger) { player in
            try await player.calls(3)
            let other = ClinicID(high: 1, low: 1)
            let otherKey = String(decoding: CounterKey.counter(of: other), as: UTF8.self)
            _ = try await player.server.client(["LPUSH", otherKey, "not a counter"])
            let command = RedisCommand(
                "FCALL",
                [
                    "metering_check", 2, .bytes(CounterKey.counter(of: other)),
                    .bytes(CounterKey.counter(of: clinic)), .bytes(one().encoded),
                    .bytes(one().encoded),
                ])
            let replies = try #require(await player.store.redis.send(command).elements)
            let verdicts = replies.map { $0.bytes.flatMap(CounterReply.init(decoding:))?.verdict }
            #expect(verdicts == [.unreadable, .allowed])
            #expect(try await player.store.values(of: [clinic])[0].value?.used == 4)
        }
    }

    /// A full Redis still counts, because the value keeps its size.
    @Test func `counts when memory is full`() async throws {
        try await Player.lend(clinic, ledger) { player in
            try await player.calls(2)
            _ = try await player.server.client(["CONFIG", "SET", "maxmemory", "1"])
            try await player.calls(3)
            #expect(try await player.store.values(of: [clinic])[0].value?.used == 5)
        }
    }

    @Test func `forgets a clinic only when the ledger has all of it`() async throws {
        try await Player.lend(clinic, ledger) { player in
            try await player.calls(3)
            let value = try #require(await player.store.values(of: [clinic])[0].value)
            var running = CounterValue.Closed(
                period: value.period, epoch: value.epoch, used: 2, credited: 0)
            #expect(try await player.store.forget(clinic, confirmed: running) == false)
            running.used = 3
            #expect(try await player.store.forget(clinic, confirmed: running))
            #expect(try await player.raw() == nil)
        }
    }

    @Test func `loads its functions when Redis lost them`() async throws {
        try await Player.lend(clinic, ledger) { player in
            try await player.calls(1)
            _ = try await player.server.client(["FUNCTION", "FLUSH"])
            try await player.calls(1)
            #expect(try await player.store.values(of: [clinic])[0].value?.used == 2)
        }
    }

    private func one(_ mode: CheckRequest.Mode = .consume) -> CheckRequest {
        CheckRequest(limit: 1, mode: mode, cost: 1, mark: nil, nonce: .random(in: .min ... .max))
    }
}
