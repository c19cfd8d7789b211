import Metering
import TestSupport
import Testing

@testable import Quotas

/// What holds for every check of every clinic, whatever came before: random clinics, random steps.
@Suite(.timed) struct `Every check` {
    @Test func `is whole, bounded and truthful`() async throws {
        let name = "every check"
        var random = SplitMix64(seed: Seed.current(name))
        var box = TimeBox(name, share: 40)
        var checks = 0
        while await box.hasTime {
            var clinic = AnyClinic(&random)
            for _ in 0..<100 {
                clinic.step(&random)
                let request = clinic.request(&random)
                let outcome = clinic.rules.check(clinic.stored, request)
                try clinic.expectWhole(request, outcome)
                try clinic.expectBounded(request, outcome)
                clinic.expectTruthful(request, outcome.reply)
                clinic.expectSingles(request, outcome)
                clinic.stored = outcome.stored ?? clinic.stored
                checks += 1
            }
        }
        box.report()
        print("\(checks) checks (\(name))")
    }

    /// The clock of Redis goes back by `step`: what is told to wait grows by no more than that.
    @Test func `waits no longer than a clock went back, nor than a limit takes to fill`()
        async throws
    {
        let name = "clock steps"
        var random = SplitMix64(seed: Seed.current(name))
        var box = TimeBox(name, share: 10)
        while await box.hasTime {
            var clinic = OneLimit(try #require(AnyClinic.limit(4, &random)))
            for _ in 0..<50 {
                clinic.now += Int64.random(in: 0...3_000_000, using: &random)
                let cost = Int64.random(in: 1...max(1, min(40, clinic.limit.burst)), using: &random)
                _ = clinic.ask(cost)
                let before = clinic.peeked(cost).wait
                let step = Int64.random(in: 1...100_000_000, using: &random)
                let after = clinic.peeked(cost, after: -step).wait
                #expect(after <= before + step)
                #expect(after <= cost * clinic.limit.emission)
            }
        }
        box.report()
    }
}

/// A clinic with up to eight windows, a quota and shadows, and a clock that may go back.
private struct AnyClinic {
    var now: Int64 = 1_800_000_000_000_000
    var stored: [UInt8]?
    private var version: Int64 = 0
    private static let month: Int64 = 3_600_000_000

    init(_ random: inout SplitMix64) { configure(&random) }

    var rules: CounterRules { rules(at: now) }

    private func rules(at time: Int64) -> CounterRules {
        CounterRules(now: time, stamp: 7) { _, _, previous, _ in
            Epoch(rawValue: previous.rawValue &+ 1)
        }
    }

    /// Every version is seen by the next check, and none comes back.
    private mutating func configure(_ random: inout SplitMix64) {
        version += 1
        let start = now / Self.month * Self.month
        let limits = [4, 5, 28, 29, 30, 36, 37, 38].prefix(.random(in: 0...8, using: &random))
            .compactMap { Self.limit($0, &random) }
        let configuration = CounterTerms(
            flags: StandingFlags(rawValue: random.pick([0, 0, 0, 0, 0, 1, 2, 3])),
            version: version, period: start, periodEnd: start + Self.month,
            nextPeriodEnd: start + 2 * Self.month, quota: random.pick([-1, 0, 40, 1 << 40]),
            nextQuota: random.pick([-1, 3, 40, 1 << 40]), limits: limits,
            base: 0, basePeriod: start, baseEpoch: .none,
            shadow: Shadow(
                limits: UInt8(Int.random(in: 0..<1 << limits.count, using: &random)),
                nextLimits: 0, quota: Bool.random(using: &random)))
        let outcome = rules.configure(stored, configuration, nonce: 1)
        stored = outcome.stored ?? stored
        if outcome.reply.verdict == .configured {
            let probe = CheckRequest(limit: 0, mode: .peek, cost: 1, mark: nil, nonce: 0)
            #expect(rules.check(stored, probe).reply.configVersion == version)
        }
        var older = configuration
        older.version -= 1
        #expect(rules.configure(stored, older, nonce: 1).stored == nil)
    }

    /// Small ones that fill and empty, and some at the ends of the range.
    static func limit(_ id: UInt16, _ random: inout SplitMix64) -> RateLimit? {
        let id = LimitID(rawValue: id)
        if Int.random(in: 0..<5, using: &random) == 0 {
            let emission = Int64.random(
                in: 1...(1 << Int.random(in: 0...46, using: &random)), using: &random)
            return RateLimit(
                id: id, emission: emission,
                tolerance: .random(in: emission...RateLimit.toleranceMax, using: &random))
        }
        return RateLimit(
            id: id, rate: .random(in: 1...50, using: &random), per: 1_000_000,
            burst: .random(in: 1...40, using: &random))
    }

    mutating func step(_ random: inout SplitMix64) {
        now += random.pick([
            0, 0, 1, 20_000, 300_000, 5_000_000, 900_000_000, -400_000, -60_000_000,
        ])
        if Int.random(in: 0..<12, using: &random) == 0 { configure(&random) }
    }

    func request(_ random: inout SplitMix64) -> CheckRequest {
        let mode = random.pick([CheckRequest.Mode.consume, .atMost, .force, .peek])
        let count = random.pick([1, 2, 5, 30, 1_000_000] as [Int64])
        return CheckRequest(
            limit: random.pick([0, 1, 1, 7, 9]), mode: mode,
            cost: random.pick([1, 1, 2, 7, 40, 1_000_000]), count: mode == .atMost ? count : 1,
            writes: Bool.random(using: &random), mark: nil, nonce: 0)
    }

    // MARK: What must hold

    /// What says no, looks or fails changes no byte; what counts moves everything that is asked by the same.
    func expectWhole(_ request: CheckRequest, _ outcome: CounterRules.Outcome) throws {
        let reply = outcome.reply
        guard reply.verdict == .allowed, request.mode != .peek else {
            #expect(outcome.stored == nil)
            return
        }
        let after = try value(outcome.stored)
        guard let before = brought(try value(stored)) else { return }
        #expect(after.used == before.used + reply.admitted * request.cost)
        for (index, (old, new)) in zip(before.limits, after.limits).enumerated() {
            let isShadow = before.shadow.hasLimit(index) && request.mode != .force
            let copies = isShadow ? reply.clean : reply.admitted
            guard old.limit.id.group == request.limit, copies > 0 else {
                #expect(old.time == new.time)
                continue
            }
            let clamped = max(now, min(old.time, now + old.limit.tolerance))
            let (paid, over) = (copies * request.cost).multipliedReportingOverflow(
                by: old.limit.emission)
            let most = now + old.limit.tolerance
            #expect(new.time == (over || clamped + paid > most ? most : clamped + paid))
        }
    }

    /// No cost, however large, is admitted beyond what is left.
    func expectBounded(_ request: CheckRequest, _ outcome: CounterRules.Outcome) throws {
        let reply = outcome.reply
        guard reply.verdict == .allowed, request.mode != .force else { return }
        guard let before = brought(try value(stored)) else { return }
        let units = reply.admitted * request.cost
        for (index, timed) in before.limits.enumerated()
        where timed.limit.id.group == request.limit && !before.shadow.hasLimit(index) {
            let ahead = max(now, min(timed.time, now + timed.limit.tolerance)) - now
            #expect(units <= (timed.limit.tolerance - ahead) / timed.limit.emission)
        }
        if before.quota >= 0, !before.shadow.quota {
            #expect(before.usage + units <= before.quota)
        }
    }

    /// After exactly `wait` one more copy alone is admitted, and one microsecond earlier it is not.
    func expectTruthful(_ request: CheckRequest, _ reply: CounterReply) {
        guard reply.mask != 0, request.mode != .force, reply.wait >= 0,
            let before = stored.flatMap(CounterValue.init(decoding:)).flatMap(brought)
        else { return }
        // After a step back of the clock a time may lie further ahead than its limit: then all of it is used,
        // for as long as the step.
        let hasStepped = before.limits.contains { $0.time > now + $0.limit.tolerance }
        // The next month may have a quota that the cost does not fit in.
        let turns = now + reply.wait >= before.periodEnd
        let fits = before.nextQuota < 0 || request.cost <= before.nextQuota || before.shadow.quota
        guard !hasStepped, !turns || fits else { return }
        var single = request
        (single.mode, single.count) = (.peek, 1)
        var held = stored
        if request.mode == .atMost { held = rules.check(stored, request).stored ?? stored }
        let then = rules(at: now + reply.wait).check(held, single).reply
        let early = rules(at: now + reply.wait - 1).check(held, single).reply
        // A wait into the next month that the value does not know ends with STALE, which asks PostgreSQL.
        #expect(then.verdict == .allowed || then.verdict == .stale)
        #expect(early.verdict == .denied || early.verdict == .stale || reply.wait == 0)
    }

    /// At most n is n single calls: the same are admitted, and the same bytes are left.
    func expectSingles(_ request: CheckRequest, _ outcome: CounterRules.Outcome) {
        guard request.mode == .atMost, request.count <= 30 else { return }
        var single = request
        (single.mode, single.count) = (.consume, 1)
        var (held, admitted, clean) = (stored, Int64(0), Int64(0))
        var mask: UInt32 = 0
        for _ in 0..<request.count {
            let one = rules.check(held, single)
            held = one.stored ?? held
            admitted += one.reply.admitted
            clean += one.reply.clean
            if one.reply.verdict == .denied { mask = one.reply.mask }
        }
        #expect(outcome.reply.admitted == admitted && outcome.reply.clean == clean)
        #expect((outcome.stored ?? stored) == held && outcome.reply.mask == mask)
    }

    private func value(_ bytes: [UInt8]?) throws -> CounterValue {
        try #require(bytes.flatMap(CounterValue.init(decoding:)))
    }

    /// The value with the month turned, when it has.
    private func brought(_ value: CounterValue) -> CounterValue? {
        guard case .success(let value) = rules.broughtUp(value, mark: nil, nonce: 0) else {
            return nil
        }
        return value
    }
}
