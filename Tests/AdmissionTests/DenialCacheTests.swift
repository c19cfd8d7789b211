import Metering
import Synchronization
import TestSupport
import Testing

@testable import Admission
@testable import Quotas

@Suite(.timed) struct `Denials that are repeated` {
    private static let clinic = ClinicID(high: 1, low: 2)
    private static let key = DenialCache.Key(limit: 1, writes: false)
    private static let start: Int64 = 1_795_428_007_000_000

    /// Whatever others count meanwhile, and though our clock is slower than that of Redis.
    @Test func `are never given when Redis would admit the call`() async throws {
        var random = SplitMix64(seed: Seed.current("denials given again"))
        var box = TimeBox("denials given again", atLeast: 100)
        var given = 0
        while await box.hasTime { given += try Self.play(&random) }
        box.report()
        print("\(given) denials were given again")
        #expect(given > 100)
    }

    private static func play(_ random: inout SplitMix64) throws -> Int {
        var (cache, ours, stored, given) = (DenialCache.Denials(), 0 as Int64, [UInt8]?.none, 0)
        func rules(_ ours: Int64) -> CounterRules {
            CounterRules(now: start + ours + ours / 2_100, stamp: 1) { _, _, _, _ in
                Epoch(rawValue: 7)
            }
        }
        let limits = try [1, 9].map { (group: UInt16) in
            try #require(
                RateLimit(
                    id: LimitID(group: group, window: 0), rate: random.pick([1, 7, 100, 5_000]),
                    per: 1_000_000, burst: random.pick([1, 3, 40])))
        }
        let month = try #require(Month(containing: start))
        let quota: Int64 = random.pick([-1, 20, 400])
        let configuration = CounterTerms(
            flags: StandingFlags(access: .open, hasSubscription: true), version: 1,
            period: month.start, periodEnd: month.end, nextPeriodEnd: 0, quota: quota,
            nextQuota: quota, limits: limits, base: 0, basePeriod: month.start, baseEpoch: .none)
        stored = rules(0).configure(nil, configuration, nonce: 0).stored
        for _ in 0..<150 {
            ours += random.pick([0, 90, 9_000, 140_000, 1_100_000])
            let group: UInt16 = random.pick([1, 9])
            let key = DenialCache.Key(limit: group, writes: false)
            let cost = Int64.random(in: 1...5, using: &random)
            func request(_ mode: CheckRequest.Mode) -> CheckRequest {
                CheckRequest(limit: group, mode: mode, cost: cost, mark: nil, nonce: 0)
            }
            let isOther = random.next() % 4 == 0
            if !isOther, let denial = cache.denial(of: clinic, key, cost: cost, at: ours) {
                given += 1
                let truth = rules(ours).check(stored, request(.peek)).reply
                #expect(denial.verdict == .denied && truth.verdict == .denied)
                // Nobody is told to come back sooner than it helps, as far as it was known.
                #expect(denial.wait == -1 || denial.wait > 0)
                #expect(denial.now <= rules(ours).now)
                continue
            }
            let sentAt = ours
            ours += random.pick([0, 40, 20_000])
            let outcome = rules(ours).check(stored, request(.consume))
            stored = outcome.stored ?? stored
            guard !isOther else { continue }
            ours += random.pick([0, 40, 20_000])
            cache.record(
                outcome.reply, of: clinic, key, cost: cost, sentAt: sentAt, receivedAt: ours)
        }
        return given
    }

    @Test func `end with their wait, and after a second`() {
        for (wait, end) in [(300_000, 299_849), (5_000_000, 999_499), (-1, 999_499)]
            as [(Int64, Int64)]
        {
            var cache = DenialCache.Denials()
            cache.record(
                Self.denial(wait: wait), of: Self.clinic, Self.key, cost: 5, sentAt: 0,
                receivedAt: 100)
            #expect(cache.denial(of: Self.clinic, Self.key, cost: 5, at: end - 1) != nil)
            #expect(cache.denial(of: Self.clinic, Self.key, cost: 5, at: end) == nil)
        }
    }

    @Test func `tell the time that is left`() {
        var cache = DenialCache.Denials()
        cache.record(
            Self.denial(wait: 300_000), of: Self.clinic, Self.key, cost: 1, sentAt: 0,
            receivedAt: 100)
        let later = cache.denial(of: Self.clinic, Self.key, cost: 1, at: 100_100)
        #expect(later?.wait == 200_000)
        #expect(later?.now == Self.start + 100_000)
    }

    @Test func `are for what costs as much, asks the same limit and changes as little`() {
        var cache = DenialCache.Denials()
        cache.record(
            Self.denial(wait: 300_000), of: Self.clinic, Self.key, cost: 5, sentAt: 0,
            receivedAt: 0)
        #expect(cache.denial(of: Self.clinic, Self.key, cost: 6, at: 1) != nil)
        #expect(cache.denial(of: Self.clinic, Self.key, cost: 4, at: 1) == nil)
        let others = [(2, false), (1, true)].map { DenialCache.Key(limit: $0, writes: $1) }
        for other in others {
            #expect(cache.denial(of: Self.clinic, other, cost: 5, at: 1) == nil)
        }
        #expect(cache.denial(of: ClinicID(high: 1, low: 3), Self.key, cost: 5, at: 1) == nil)
    }

    @Test func `end with another version, another answer and what is given back`() {
        let acts: [(inout DenialCache.Denials) -> Void] = [
            { cache in
                var other = Self.denial(wait: 300_000)
                (other.verdict, other.configVersion) = (.allowed, 2)
                let key = DenialCache.Key(limit: 2, writes: false)
                cache.record(other, of: Self.clinic, key, cost: 1, sentAt: 0, receivedAt: 0)
            },
            { cache in
                var other = Self.denial(wait: 300_000)
                (other.verdict, other.mask) = (.allowed, 0)
                cache.record(other, of: Self.clinic, Self.key, cost: 1, sentAt: 0, receivedAt: 0)
            },
            { $0.forget(Self.clinic) },
        ]
        for act in acts {
            var cache = DenialCache.Denials()
            cache.record(
                Self.denial(wait: 300_000), of: Self.clinic, Self.key, cost: 1, sentAt: 0,
                receivedAt: 0)
            #expect(cache.denial(of: Self.clinic, Self.key, cost: 1, at: 1) != nil)
            act(&cache)
            #expect(cache.denial(of: Self.clinic, Self.key, cost: 1, at: 1) == nil)
        }
    }

    @Test(arguments: [512, 1024, 1 | 512, 256 | 1024, 2048, 0] as [UInt32])
    func `repeat limits and quota only, never a standing`(mask: UInt32) {
        var cache = DenialCache.Denials()
        var reply = Self.denial(wait: 300_000)
        reply.mask = mask
        cache.record(reply, of: Self.clinic, Self.key, cost: 1, sentAt: 0, receivedAt: 0)
        #expect(cache.denial(of: Self.clinic, Self.key, cost: 1, at: 1) == nil)
    }

    @Test func `are bounded`() {
        var cache = DenialCache.Denials()
        for number in 0..<UInt64(DenialCache.Denials.clinicsMax * 2 + 10) {
            cache.record(
                Self.denial(wait: 300_000), of: ClinicID(high: 0, low: number), Self.key, cost: 1,
                sentAt: 0, receivedAt: 0)
            #expect(cache.clinicsHeld <= DenialCache.Denials.clinicsMax)
        }
    }

    private static func denial(wait: Int64) -> CounterReply {
        var reply = CounterReply.noAnswer(.denied, now: start)
        (reply.mask, reply.wait, reply.configVersion) = (1, wait, 1)
        return reply
    }
}

@Suite(.timed) struct `A gate that repeats denials` {
    @Test func `saves trips for calls that count, and no others`() async throws {
        let counters = MemoryCounters()
        let settings = MemoryTerms()
        let clock = ClockBox()
        let gate = QuotaGate(
            counters: counters, terms: settings,
            denialCache: DenialCache { clock.now.withLock(\.self) })
        let clinic = ClinicID(high: 1, low: 2)
        let plan = try PlanFeatures(
            json: #"{"limits":{"default":{"rate":1,"per":"1m","burst":2}}}"#)
        let month = try #require(Month("2026-11"))
        settings.state.withLock {
            $0.clinics[clinic] = ClinicTerms(
                version: 1, plan: plan, access: .open, month: month, ledger: [:], adjustments: 0)
        }
        func trips(_ question: Check) async throws -> (trips: Int, isAllowed: Bool) {
            let before = counters.state.withLock(\.calls)
            guard case .decided(let decision) = try await gate.checkMany([question])[0].get()
            else { return (-1, false) }
            return (counters.state.withLock(\.calls) - before, decision.isAllowed)
        }
        let call = Check(clinic)
        for _ in 0..<2 { #expect(try await trips(call).isAllowed) }
        #expect(try await trips(call) == (1, false))
        for _ in 0..<5 { #expect(try await trips(call) == (0, false)) }
        #expect(gate.denials.denials(of: clinic) == [.rateLimit: 6])
        #expect(try await trips(Check(clinic, mode: .peek)) == (1, false))
        #expect(try await trips(Check(clinic, mode: .force)) == (1, true))
        clock.now.withLock { $0 += 1_000_000 }
        #expect(try await trips(call) == (1, false))
    }

    private final class ClockBox: Sendable { let now = Mutex<Int64>(0) }
}
