import Metering
import TestSupport
import Testing

@testable import Quotas

@Suite(.timed) struct `A rate limit` {
    /// In any span of time T the limit admits at most burst + T / emission units.
    @Test func `never admits more than a log of the past allows`() async throws {
        let name = "trailing window"
        var random = SplitMix64(seed: Seed.current(name))
        var box = TimeBox(name, share: 20)
        var admissions = 0
        while await box.hasTime {
            let limit = try #require(
                RateLimit(
                    id: LimitID(rawValue: 4), rate: .random(in: 1...50, using: &random),
                    per: 1_000_000, burst: .random(in: 1...40, using: &random)))
            var clinic = OneLimit(limit)
            var log: [(time: Int64, cost: Int64)] = []
            for _ in 0..<300 {
                clinic.now += Int64.random(in: 0...200_000, using: &random)
                let cost = Int64.random(in: 1...5, using: &random)
                let mode = random.pick([CheckRequest.Mode.consume, .atMost])
                let admitted = clinic.ask(cost, mode)
                if admitted.verdict == .allowed { log.append((clinic.now, admitted.units)) }
            }
            admissions += log.count
            for (first, start) in log.enumerated() {
                var sum: Int64 = 0
                for entry in log[first...] {
                    sum += entry.cost
                    #expect(sum <= limit.mostAdmitted(in: entry.time - start.time))
                }
            }
        }
        box.report()
        print("\(admissions) admissions (\(name))")
    }

    /// After exactly `wait` the same call alone succeeds; one microsecond earlier it does not.
    @Test func `tells the truth about the wait and what remains`() async throws {
        let name = "truthful wait"
        var random = SplitMix64(seed: Seed.current(name))
        var box = TimeBox(name, share: 20)
        while await box.hasTime {
            let limit = try #require(
                RateLimit(
                    id: LimitID(rawValue: 4), rate: .random(in: 1...50, using: &random),
                    per: 1_000_000, burst: .random(in: 1...40, using: &random)))
            var clinic = OneLimit(limit)
            for _ in 0..<100 {
                clinic.now += Int64.random(in: 0...100_000, using: &random)
                let cost = Int64.random(in: 1...45, using: &random)
                let reply = clinic.ask(cost)
                if reply.verdict == .allowed {
                    let left = reply.limits[0].remaining
                    #expect(left == 0 || clinic.peeked(left).verdict == .allowed)
                    #expect(clinic.peeked(left + 1).verdict == .denied)
                } else if reply.wait < 0 {
                    #expect(cost > limit.burst)
                } else {
                    #expect(clinic.peeked(cost, after: reply.wait).verdict == .allowed)
                    #expect(clinic.peeked(cost, after: reply.wait - 1).verdict == .denied)
                }
            }
        }
        box.report()
    }

    @Test func `forgets a time that lies further ahead than its burst`() throws {
        let limit = try #require(
            RateLimit(id: LimitID(rawValue: 4), rate: 1, per: 1_000_000, burst: 5))
        var clinic = OneLimit(limit)
        clinic.now += 40 * 86_400_000_000
        #expect(clinic.ask(5).verdict == .allowed)
        clinic.now -= 40 * 86_400_000_000
        let reply = clinic.ask(1)
        #expect(reply.verdict == .denied && reply.wait == 1_000_000)
    }

    @Test(arguments: [("default", 1), ("export", 0)])
    func `is named by the hash of its name`(name: String, group: UInt16) {
        let number = LimitID.group(of: name)
        #expect(group == 1 ? number == 1 : (2...16_383).contains(number))
    }
}

/// A counter with one limit, no quota and no end.
struct OneLimit {
    var now: Int64 = 1_800_000_000_000_000
    private var stored: [UInt8]?
    private var version: Int64 = 0

    private(set) var limit: RateLimit

    init(_ limit: RateLimit) {
        self.limit = limit
        change(to: limit)
    }

    mutating func change(to limit: RateLimit) {
        self.limit = limit
        version += 1
        let configuration = CounterTerms(
            flags: StandingFlags(rawValue: 0), version: version, period: 0, periodEnd: 1 << 52,
            nextPeriodEnd: 0, quota: -1, nextQuota: -1, limits: [limit], base: 0, basePeriod: 0,
            baseEpoch: .none)
        stored = rules().configure(stored, configuration, nonce: 1).stored
    }

    /// Redis loses the key, and it is made anew.
    mutating func lose() {
        stored = nil
        change(to: limit)
    }

    mutating func ask(_ cost: Int64) -> CounterReply { ask(cost, .consume).reply }

    /// - Returns: also how many units were admitted.
    mutating func ask(
        _ cost: Int64, _ mode: CheckRequest.Mode
    ) -> (reply: CounterReply, units: Int64, verdict: CounterReply.Verdict) {
        let asked = request(cost, mode)
        let outcome = rules().check(stored, asked)
        stored = outcome.stored ?? stored
        return (outcome.reply, outcome.reply.admitted * asked.cost, outcome.reply.verdict)
    }

    func peeked(_ cost: Int64, after wait: Int64 = 0) -> CounterReply {
        rules(after: wait).check(stored, request(cost, .peek)).reply
    }

    private func request(_ cost: Int64, _ mode: CheckRequest.Mode) -> CheckRequest {
        let isMany = mode == .atMost
        return CheckRequest(
            limit: 1, mode: mode, cost: isMany ? 1 : cost, count: isMany ? cost : 1, mark: nil,
            nonce: 0)
    }

    private func rules(after wait: Int64 = 0) -> CounterRules {
        CounterRules(now: now + wait, stamp: 7) { _, _, previous, nonce in
            Epoch(rawValue: previous.rawValue &+ nonce)
        }
    }
}
