import Counters
import Metering
import Quotas
import Redis
import TestSupport
import Testing

/// A clinic that reserves, commits, releases and refunds, told to Redis and to the rules at once.
struct HoldStory {
    /// One thing that can happen.
    enum Step {
        case call(HoldCall)
        case expire(HoldClaim, done: [WaitingCredit])
        case check(CheckRequest)
        case configure(CounterTerms, nonce: UInt64)
        case settle([CounterValue.Closed])
        case turnClock(to: Int64)
        case newServer(String)
        /// Redis lost the counter alone, or everything of the clinic.
        case lose(all: Bool)
    }

    let redis: SteeredRedis
    var random: SplitMix64
    var state = HeldState()
    var waiting: [WaitingCredit] = []
    var marks: [Mark] = []
    var now: Int64 = 1_800_000_000_000_000
    var server = "a"
    var version: Int64 = 1
    var hasFailed = false
    var seen: Set<HoldReply.Outcome> = []
    let clinic = ClinicID(high: 0x2f1a_8b1e_53c9_4d0f, low: 0x9c52_0d1f_6a3b_7c12)
    private static let period: Int64 = 60_000_000

    init(redis: SteeredRedis, random: SplitMix64) {
        self.redis = redis
        self.random = random
    }

    mutating func run(steps: Int) async throws {
        try await redis.forgetHolds(of: clinic)
        try await redis.replace(clinic, with: nil)
        try await redis.set(replicationID: server)
        try await forgetStamp()
        for number in 0..<steps where !hasFailed {
            let step = next()
            try await take(step, number)
        }
    }

    private mutating func take(_ step: Step, _ number: Int) async throws {
        let rules = CounterRules(now: now, stamp: Minting.stamp(server), mint: Minting.mint)
        switch step {
        case .call(let call):
            let told = rules.apply(call, to: &state)
            seen.insert(told.outcome)
            if told.reply.mark.epoch != .none { marks.append(told.reply.mark) }
            let reply = try await redis.take(clinic, call)
            compare(step, number, told.encoded, reply.bytes)
            #expect(reply.bytes.flatMap(HoldReply.init(decoding:)) == told, "step \(number)")
        case .expire(let claim, let done):
            let told = rules.expire(claim, done: done.map(\.field), &state)
            waiting = told.waiting
            let (reply, listed) = try await redis.store.expireHolds(of: clinic, claim, done: done)
            compare(step, number, told.reply, reply)
            compare(step, number, Set(told.waiting), Set(listed))
        case .check(let request):
            let outcome = rules.check(state.value, request)
            let reply = try await redis.call("metering_check", clinic, request.encoded)
            compare(step, number, outcome.reply.encoded, reply.elements?.first?.bytes)
            if let stored = outcome.stored {
                state.value = stored
                marks.append(outcome.reply.mark)
            }
        case .configure(let configuration, let nonce):
            let outcome = rules.configure(state.value, configuration, nonce: nonce)
            _ = try await redis.call(
                "metering_configure", clinic, configuration.encoded(nonce: nonce))
            if let stored = outcome.stored { state.value = stored }
        case .settle(let entries):
            if let stored = rules.settle(state.value, entries).stored { state.value = stored }
            _ = try await redis.call("metering_settle", clinic, entries.flatMap(\.confirmation))
        case .turnClock(let time):
            now = time
            try await forgetStamp()
        case .newServer(let name):
            server = name
            try await redis.set(replicationID: name)
            try await forgetStamp()
        case .lose(let all):
            state.value = nil
            try await redis.replace(clinic, with: nil)
            guard all else { break }
            state = HeldState()
            try await redis.forgetHolds(of: clinic)
        }
        compare(step, number, state.value, try await redis.raw(clinic))
        compare(
            step, number, state.holds.encoded,
            try await redis.hash(CounterKey.holds(of: clinic)))
        for (place, key) in CounterKey.seen(of: clinic).enumerated() {
            var held = try await redis.hash(key)
            let hour = held.removeValue(forKey: []).map { String(decoding: $0, as: UTF8.self) }
            let bucket = state.seen.buckets[place]
            compare(step, number, bucket?.ids ?? [:], held)
            compare(step, number, bucket.map { "\($0.hour)" }, hour)
        }
    }

    private func forgetStamp() async throws {
        try await redis.set(now: 1)
        _ = try await redis.call("metering_check", ClinicID(high: 0, low: 0), [])
        try await redis.set(now: now)
    }

    private mutating func compare<Value: Equatable>(
        _ step: Step, _ number: Int, _ rules: Value?, _ library: Value?
    ) {
        #expect(rules == library, "step \(number): \(step)")
        hasFailed = hasFailed || rules != library
    }
}

// MARK: Drawing steps

extension HoldStory {
    private mutating func next() -> Step {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<14: return .call(.checkOnce(request(isHeld: false), id: id()))
        case 14..<36: return .call(.reserve(request(isHeld: true), terms()))
        case 36..<48: return .call(.commit(claim(), id: id(), units: units()))
        case 48..<56: return .call(.release(claim(), id: id()))
        case 56..<66: return .call(.refund(claim(), id: id(), units: units() ?? 1))
        case 66..<70:
            let done = waiting.filter { _ in Bool.random(using: &random) }
            return .expire(claim(), done: done)
        case 70..<76: return .check(request(isHeld: false))
        case 76..<86: return .configure(configuration(), nonce: random.next())
        case 86..<89:
            let value = state.value.flatMap(CounterValue.init(decoding:))
            return .settle(value?.closed ?? [])
        case 89..<96:
            let steps: [Int64] = [
                1, 1_000, 500_000, 2_000_000, 30_000_000, 90_000_000, 3_600_000_000,
                7_300_000_000, -1_000_000, -4_000_000_000,
            ]
            return .turnClock(to: now + random.pick(steps))
        case 96..<99: return .newServer(random.pick(["a", "b", "c"]))
        default: return .lose(all: Bool.random(using: &random))
        }
    }

    private mutating func id() -> CallID {
        CallID(high: 7, low: .random(in: 0..<6, using: &random))
    }

    private mutating func units() -> Int64? {
        random.pick([nil, 0, 1, 1, 2, 3, 5, 8, 1_000_000, 1_000_001])
    }

    private mutating func mark() -> Mark? {
        var mark =
            random.pick([true, true, false]) ? marks.last : marks.randomElement(using: &random)
        if Int.random(in: 0..<20, using: &random) == 0 { mark?.used += 3 }
        return Int.random(in: 0..<3, using: &random) == 0 ? nil : mark
    }

    private mutating func claim() -> HoldClaim {
        HoldClaim(
            mark: mark(), nonce: random.next(), notAfter: random.pick([0, 0, 0, now, now - 1]))
    }

    private mutating func terms() -> HoldTerms {
        HoldTerms(
            id: id(),
            timeToLive: random.pick([
                1, 1_000_000, 1_000_000, 20_000_000, 5_000_000_000, 86_400_000_000, 0,
                86_400_000_001,
            ]),
            concurrent: random.pick([nil, nil, 1, 2, 1_000, 0, 1_001]),
            configVersion: random.pick([version, version, 1_000_000, -1]))
    }

    private mutating func request(isHeld: Bool) -> CheckRequest {
        let mode: CheckRequest.Mode =
            isHeld
            ? random.pick([.consume, .consume, .consume, .consume, .peek])
            : random.pick([.consume, .consume, .force, .atMost, .peek])
        return CheckRequest(
            limit: random.pick([0, 1, 1, 7, 9]), mode: mode,
            cost: random.pick([1, 1, 2, 3, 5, 8, 1_000_001]),
            count: mode == .atMost ? random.pick([1, 2, 3]) : 1,
            writes: Int.random(in: 0..<6, using: &random) == 0, mark: mark(),
            nonce: random.next(),
            notAfter: random.pick([0, 0, 0, now, now - 1]))
    }

    private mutating func configuration() -> CounterTerms {
        version = max(0, version + Int64.random(in: 0...1, using: &random))
        let start = now / Self.period * Self.period
        let limits = [UInt16(4), 28].compactMap {
            RateLimit(
                id: LimitID(rawValue: $0), rate: .random(in: 1...30, using: &random),
                per: 1_000_000, burst: .random(in: 1...80, using: &random))
        }
        return CounterTerms(
            flags: StandingFlags(rawValue: random.pick([0, 0, 0, 0, 1, 2, 3])), version: version,
            period: start, periodEnd: start + Self.period,
            nextPeriodEnd: Bool.random(using: &random) ? 0 : start + 2 * Self.period,
            quota: random.pick([-1, -1, 40, 200]), nextQuota: -1, limits: limits,
            base: .random(in: -5...20, using: &random), basePeriod: start, baseEpoch: .none)
    }
}

// MARK: Redis

extension SteeredRedis {
    func take(_ clinic: ClinicID, _ call: HoldCall) async throws -> RedisReply {
        let keys =
            [CounterKey.counter(of: clinic)]
            + (call.usesHolds ? [CounterKey.holds(of: clinic)] : []) + CounterKey.seen(of: clinic)
        return try await client.send(
            RedisCommand(
                "FCALL",
                [.string(call.function), .init(keys.count)]
                    + (keys + call.arguments).map { .bytes($0) }))
    }

    func forgetHolds(of clinic: ClinicID) async throws {
        let keys = [CounterKey.holds(of: clinic)] + CounterKey.seen(of: clinic)
        _ = try await client.send(RedisCommand("DEL", keys.map { .bytes($0) }))
    }

    /// A hash by field.
    func hash(_ key: [UInt8]) async throws -> [[UInt8]: [UInt8]] {
        let parts = try await client.send(RedisCommand("HGETALL", [.bytes(key)])).elements ?? []
        let bytes = parts.compactMap(\.bytes)
        let pairs = stride(from: 0, to: bytes.count - 1, by: 2).map { (bytes[$0], bytes[$0 + 1]) }
        return Dictionary(pairs, uniquingKeysWith: { $1 })
    }
}
