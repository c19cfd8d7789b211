import Metering
import TestSupport
import Testing

@testable import Quotas

/// Invariants of reservations, refunds and request ids, over random lives of one clinic that loses nothing.
@Suite(.timed) struct `Holds` {
    /// Whatever happens in between, what all counts hold is what calls, open holds and commits used, less refunds.
    @Test func `account for every unit, across months and epochs`() async {
        let name = "holds account for every unit"
        var random = SplitMix64(seed: Seed.current(name))
        var box = TimeBox(name)
        while await box.hasTime {
            var life = Life(random: SplitMix64(seed: random.next()))
            for number in 0..<300 {
                life.step()
                guard life.isExact else {
                    Issue.record("step \(number): \(life)")
                    return
                }
            }
            if let id = life.countedTwice { Issue.record("\(id) was counted twice in two hours") }
        }
        box.report()
    }

    @Test func `are worth what is committed of them, as one call of that cost`() async {
        let name = "reserve + commit = consume"
        var random = SplitMix64(seed: Seed.current(name))
        var box = TimeBox(name, share: 50)
        while await box.hasTime {
            let held = Int64.random(in: 1...1_000, using: &random)
            let actual = Int64.random(in: 0...held, using: &random)
            var (one, other) = (Life(random: random), Life(random: random))
            let id = CallID(high: 1, low: 1)
            #expect(one.reserve(id, held) == .reserved)
            #expect(one.take(.commit(one.claim, id: id, units: actual)).outcome == .committed)
            if actual > 0 { other.consume(actual) }
            #expect(one.net == other.net && one.net == actual)
            // Once more, and the other end of it: nothing moves.
            let again = one.take(.commit(one.claim, id: id, units: held))
            #expect(again.outcome == .committed && again.isRepeated && again.units == actual)
            #expect(one.take(.release(one.claim, id: id)).outcome == .committed)
            #expect(one.net == actual)
        }
        box.report()
    }

    @Test func `that are released or run out change nothing`() {
        var life = Life(random: SplitMix64(seed: 1))
        life.consume(7)
        #expect(life.reserve(CallID(high: 1, low: 1), 5) == .reserved && life.net == 12)
        let id = CallID(high: 1, low: 1)
        #expect(life.take(.release(life.claim, id: id)).outcome == .released && life.net == 7)
        #expect(life.reserve(CallID(high: 1, low: 2), 5) == .reserved && life.net == 12)
        life.now += 60_000_000
        let late = life.take(.commit(life.claim, id: CallID(high: 1, low: 2), units: nil))
        #expect(late.outcome == .expired && life.net == 7)
    }

    @Test func `are not refunded below what they may give back themselves`() {
        var life = Life(random: SplitMix64(seed: 1))
        life.consume(3)
        _ = life.reserve(CallID(high: 1, low: 1), 5)
        let much = life.take(.refund(life.claim, id: CallID(high: 2, low: 1), units: 4))
        #expect(much.outcome == .tooMuch && life.net == 8)
        let fits = life.take(.refund(life.claim, id: CallID(high: 2, low: 1), units: 3))
        #expect(fits.outcome == .refunded && life.net == 5)
        let again = life.take(.refund(life.claim, id: CallID(high: 2, low: 1), units: 3))
        #expect(again.outcome == .refunded && again.isRepeated && life.net == 5)
        let other = life.take(.refund(life.claim, id: CallID(high: 2, low: 1), units: 2))
        #expect(other.outcome == .otherCall && life.net == 5)
        _ = life.take(.release(life.claim, id: CallID(high: 1, low: 1)))
        #expect(life.net == 0)
    }

    @Test func `refuse a number of open ones that is no number`() {
        for wrong in [0, -1, 1_001, 1 << 32] as [Int64] {
            let terms = HoldTerms(
                id: CallID(high: 0, low: 0), timeToLive: 1, concurrent: wrong, configVersion: 1)
            #expect(Array(terms.encoded[24..<28]) == [255, 255, 255, 255])
        }
    }
}

/// A clinic in memory, with the ledger that its closed counts are settled in.
private struct Life: CustomStringConvertible {
    var random: SplitMix64
    var now: Int64 = 1_795_428_007_000_000
    var stamp: UInt64 = 1
    var state = HeldState()
    /// Net counts that the ledger has by period and epoch, and what it gave back itself.
    private var ledger: [[Int64]: Int64] = [:]
    private var adjusted: Int64 = 0
    /// Units that must be counted: calls, commits and open holds, less refunds.
    var expected: Int64 = 0
    private var open: [CallID: (units: Int64, ends: Int64)] = [:]
    /// When an id was counted last.
    private var calls: [CallID: Int64] = [:]
    private(set) var countedTwice: CallID?

    init(random: SplitMix64) {
        self.random = random
        configure()
    }

    var description: String { "expected \(expected), net \(net), holds \(state.holds.holds)" }

    private var value: CounterValue? { state.value.flatMap(CounterValue.init(decoding:)) }

    var claim: HoldClaim { HoldClaim(mark: nil, nonce: 1) }

    /// Everything that counts: the value, the ledger, and what waits for it.
    var net: Int64 {
        guard let value else { return .min }
        var counts = ledger
        for closed in value.closed { counts[closed.key] = closed.used - closed.credited }
        let waiting = state.holds.holds.values.filter(\.waits).reduce(0) { $0 + $1.units }
        return value.used - value.credited + counts.values.reduce(0, +) - adjusted - waiting
    }

    var isExact: Bool {
        guard let value else { return false }
        let counts = [(value.used, value.credited)] + value.closed.map { ($0.used, $0.credited) }
        return net == expected && counts.allSatisfy { $0.1 >= 0 && $0.1 <= $0.0 }
    }

    private var rules: CounterRules {
        CounterRules(now: now, stamp: stamp) { stamp, now, previous, _ in
            Epoch(rawValue: previous.rawValue &* 31 &+ UInt64(now) &+ stamp)
        }
    }

    mutating func take(_ call: HoldCall) -> HoldReply { rules.apply(call, to: &state) }

    mutating func configure() {
        let length: Int64 = 3_600_000_000
        let start = now / length * length
        let configuration = CounterTerms(
            flags: StandingFlags(access: .open, hasSubscription: true), version: 1, period: start,
            periodEnd: start + length, nextPeriodEnd: start + 2 * length, quota: -1, nextQuota: -1,
            limits: [], base: 0, basePeriod: 0, baseEpoch: .none)
        state.value = rules.configure(state.value, configuration, nonce: 1).stored ?? state.value
    }

    private func request(_ cost: Int64) -> CheckRequest {
        CheckRequest(limit: 1, mode: .consume, cost: cost, mark: nil, nonce: 1)
    }

    mutating func consume(_ cost: Int64) {
        let outcome = rules.check(state.value, request(cost))
        guard let stored = outcome.stored else { return }
        state.value = stored
        expected += cost
    }

    mutating func reserve(_ id: CallID, _ cost: Int64) -> HoldReply.Outcome {
        let terms = HoldTerms(id: id, timeToLive: 60_000_000, concurrent: nil, configVersion: 1)
        let told = take(.reserve(request(cost), terms))
        if told.outcome == .reserved, !told.isRepeated {
            open[id] = (cost, told.time)
            expected += cost
        }
        return told.outcome
    }

    mutating func step() {
        let small = CallID(high: 3, low: .random(in: 0..<40, using: &random))
        let cost = Int64.random(in: 1...9, using: &random)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<12: consume(cost)
        case 12..<22:
            let told = take(.checkOnce(request(cost), id: small))
            if told.outcome == .counted, !told.isRepeated {
                expected += cost
                if let last = calls[small], now - last <= 7_200_000_000 { countedTwice = small }
                calls[small] = now
            }
        case 22..<48: _ = reserve(CallID(high: 4, low: random.next() % 200), cost)
        case 48..<62:
            let id = open.keys.min { $0.low < $1.low } ?? small
            let told = take(.commit(claim, id: id, units: .random(in: 0...9, using: &random)))
            if told.outcome == .committed, let held = open.removeValue(forKey: id) {
                expected -= held.units - told.units
            }
        case 62..<70:
            let id = open.keys.max { $0.low < $1.low } ?? small
            if take(.release(claim, id: id)).outcome == .released,
                let held = open.removeValue(forKey: id)
            {
                expected -= held.units
            }
        case 70..<80:
            let told = take(.refund(claim, id: small, units: cost))
            if told.outcome == .refunded, !told.isRepeated { expected -= cost }
        case 80..<86: bringToLedger()
        case 86..<93: now += random.pick([1, 1_000_000, 20_000_000, 61_000_000, 900_000_000])
        case 93..<95: now += 3_000_000_000
        case 95..<98: stamp = random.next()
        default: break
        }
        configure()
        noteEnded()
    }

    /// Holds whose time has passed and that some call has ended.
    private mutating func noteEnded() {
        for (id, held) in open where held.ends <= now {
            guard state.holds.holds[[UInt8(ascii: "h")] + id.bytes].map(\.waits) != false else {
                continue
            }
            expected -= held.units
            open[id] = nil
        }
    }

    /// What a sweep does: closed counts are settled and dropped, and what waits is given back once.
    private mutating func bringToLedger() {
        let closed = value?.closed ?? []
        for entry in closed { ledger[entry.key] = entry.used - entry.credited }
        if let stored = rules.settle(state.value, closed).stored { state.value = stored }
        let waiting = rules.expire(claim, done: [], &state).waiting
        let units = waiting.reduce(0) { $0 + $1.units }
        let done = rules.expire(claim, done: waiting.map(\.field), &state)
        adjusted += units
        #expect(done.waiting.isEmpty)
    }
}

extension CounterValue.Closed {
    fileprivate var key: [Int64] { [period, epoch.bitPattern] }
}
