import Metering
import TestSupport
import Testing

@testable import Quotas

@Suite(.timed) struct `The shares of one entry` {
    private let month: Month
    private let rules: CounterRules

    init() throws {
        month = try #require(Month("2027-01"))
        rules = CounterRules(now: month.start + 1_000_000, stamp: 1) { _, _, _, _ in
            Epoch(rawValue: 7)
        }
    }

    /// A clinic with up to two windows of the limit that is asked, one of another, and perhaps a quota.
    private func value(_ random: inout SplitMix64) throws -> [UInt8] {
        var limits: [RateLimit] = []
        for id in [
            LimitID(group: 1, window: 0), .init(group: 1, window: 1), .init(group: 9, window: 0),
        ]
        where Bool.random(using: &random) {
            limits.append(
                try #require(
                    RateLimit(
                        id: id, rate: .random(in: 1...5, using: &random), per: 1_000_000,
                        burst: .random(in: 1...40, using: &random))))
        }
        let quota: Int64 = Bool.random(using: &random) ? -1 : .random(in: 0...60, using: &random)
        let access: StandingFlags.Access =
            Int.random(in: 0..<8, using: &random) == 0 ? .readOnly : .open
        let configuration = CounterTerms(
            flags: StandingFlags(access: access, hasSubscription: true), version: 1,
            period: month.start, periodEnd: month.end, nextPeriodEnd: 0, quota: quota,
            nextQuota: quota, limits: limits, base: .random(in: 0...9, using: &random),
            basePeriod: month.start, baseEpoch: .none)
        return try #require(rules.configure(nil, configuration, nonce: 0).stored)
    }

    /// The same calls one by one and as one entry: every number of every answer is the same, but for the mark,
    /// and so is what is stored.
    @Test func `are what each call would have been answered alone`() async throws {
        let name = "shares = single calls"
        var random = SplitMix64(seed: Seed.current(name))
        var box = TimeBox(name, share: 30)
        while await box.hasTime {
            let start = try value(&random)
            let single = CheckRequest(
                limit: Bool.random(using: &random) ? 1 : 0, mode: .consume,
                cost: .random(in: 1...5, using: &random), writes: Bool.random(using: &random),
                mark: nil, nonce: 0)
            var together = single
            let copies = Int64.random(in: 2...30, using: &random)
            for _ in 1..<copies {
                #expect(together.isSameCall(as: single))
                together.add(single)
            }
            let whole = rules.check(start, together)
            var stored = start
            for index in 0..<copies {
                let alone = rules.check(stored, single)
                stored = alone.stored ?? stored
                var share = whole.reply.share(of: index, in: together)
                share.mark = alone.reply.mark
                #expect(share == alone.reply)
                guard share == alone.reply else { return }
            }
            #expect(whole.stored ?? start == stored)
        }
        box.report()
    }

    @Test func `are made of calls that ask the same`() {
        let one = CheckRequest(
            limit: 1, mode: .consume, cost: 1, mark: nil, nonce: 0, notAfter: 5_000)
        func changed(_ change: (inout CheckRequest) -> Void) -> CheckRequest {
            var other = one
            change(&other)
            return other
        }
        #expect(one.isSameCall(as: changed { $0.nonce = 9 }))
        #expect(one.isSameCall(as: changed { $0.notAfter = 6_000 }))
        for other in [
            changed { $0.limit = 2 }, changed { $0.cost = 2 }, changed { $0.writes = true },
            changed { $0.mode = .peek }, changed { $0.mode = .force },
            changed { $0.mode = .atMost },
            changed { $0.notAfter = 6_001 }, changed { $0.notAfter = 0 },
        ] {
            #expect(!one.isSameCall(as: other))
        }
        var two = one
        two.add(changed { $0.notAfter = 4_200 })
        #expect(two.mode == .atMost && two.count == 2 && two.notAfter == 4_200)
        #expect(two.isSameCall(as: one))
    }

    /// A reply of a Redis that makes numbers up: no arithmetic on it traps.
    @Test func `survive any numbers`() {
        let most = CounterValue.countMax
        var reply = CounterReply.noAnswer(.allowed, now: most)
        (reply.admitted, reply.clean, reply.usage) = (1_000_000, 0, -most)
        reply.limits = [
            CounterReply.Limit(
                id: LimitID(group: 1, window: 0), remaining: most, untilFull: 0, burst: 1,
                tolerance: most),
            CounterReply.Limit(
                id: LimitID(group: 1, window: 1), remaining: 0, untilFull: most, burst: 0,
                tolerance: 0),
        ]
        var request = CheckRequest(limit: 1, mode: .atMost, cost: 1_000_000, mark: nil, nonce: 0)
        request.count = 1_000_000
        let share = reply.share(of: 0, in: request)
        #expect(share.limits[0].remaining == 1 && share.limits[0].untilFull == 0)
        #expect(share.limits[1] == reply.limits[1])
    }
}
