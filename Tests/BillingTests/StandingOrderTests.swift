import Billing
import Metering
import TestSupport
import Testing

/// Facts come late, twice and in any order; what they add up to is the same.
@Suite(.timed) struct `Facts in any order` {
    /// A trial, a failed payment, a named invoice that is paid and disputed, a hold and its end, a payment.
    static let facts = happened([
        (0, .subscribed(trialUntil: StandingCase.day(14), awaitsPayment: false)),
        (10, .paid(invoice: nil)), (40, .paymentFailed(invoice: nil)),
        (45, .charged(invoice: "a", due: StandingCase.day(50))), (52, .paid(invoice: "a")),
        (58, .reopened(invoice: "a")), (60, .held(until: StandingCase.day(62))),
        (61, .paid(invoice: nil)),
    ])

    private static func happened(
        _ kinds: [(Int64, SubscriptionFact.Kind)]
    ) -> [SubscriptionFact] {
        kinds.map { SubscriptionFact(at: StandingCase.day($0.0), kind: $0.1) }
    }

    /// Every order, each fact evaluated as it arrives, then the days that follow.
    @Test(arguments: [61, 75] as [Int64], [nil, PaymentStatus.suspended])
    func `all 40,320 orders of eight facts end in the same status`(
        arrival: Int64, before: PaymentStatus?
    ) async {
        var entered: Standing?
        if let before {
            entered = Standing(status: before, since: StandingCase.day(-30), cause: .declared)
        }
        var orders = Orders(facts: Self.facts, now: StandingCase.day(arrival))
        let turn = await ProcessorTurn.take()
        defer { withExtendedLifetime(turn) {} }
        await orders.visit([], entered)
        #expect(orders.count == 40_320)
        #expect(orders.ends.count == 1)
    }

    @Test func `random facts among the days end in the same status, recorded once or three times`()
        async
    {
        let name = "facts in any order"
        var random = SplitMix64(seed: Seed.current(name))
        var box = TimeBox(name)
        while await box.hasTime {
            await Task.yield()
            let facts = (0..<Int.random(in: 1...9, using: &random)).map { _ in
                RandomFacts.fact(on: .random(in: 0...90, using: &random), &random)
            }
            let arrivals = (0..<3).map { _ in
                (facts + (0..<4).map { _ in random.pick(facts) }).shuffled(using: &random)
            }
            let ends = Set(
                arrivals.map { arrival in
                    var one = StandingCase()
                    for fact in arrival {
                        one.facts.append(fact)
                        one.look(on: 91)
                    }
                    one.live(92...110)
                    return one.standing?.status
                })
            #expect(ends.count == 1, "\(facts) end as \(ends)")
            if ends.count > 1 { break }
        }
        box.report()
    }

    /// Nobody loses his access before the day that the schedule names, nor two steps at once.
    @Test func `no step comes early, and none is left out`() async {
        let name = "steps of severity"
        var random = SplitMix64(seed: Seed.current(name))
        var box = TimeBox(name, share: 50)
        while await box.hasTime {
            await Task.yield()
            var one = StandingCase()
            var day: Int64 = 0
            for _ in 0..<40 {
                day += .random(in: 0...7, using: &random)
                if Bool.random(using: &random) {
                    one.facts.append(RandomFacts.fact(on: day, &random, words: false))
                }
                let before = one.standing
                one.look(at: StandingCase.day(day, hour: 23))
                guard let after = one.standing, let before, after.status != before.status else {
                    continue
                }
                switch after.cause {
                case .graceEnded:
                    #expect(after.status == .suspended && before.status == .pastDue)
                    #expect(after.since >= before.since.adding(hours: 24))
                case .deadlinePassed:
                    #expect(after.status == .canceled && before.status == .suspended)
                    #expect(after.since >= before.since.adding(hours: 24))
                default: #expect(after.status != .suspended)
                }
            }
        }
        box.report()
    }
}

/// Plays each order of the facts that are left.
private struct Orders {
    let facts: [SubscriptionFact]
    let now: UTCTime
    private(set) var count = 0
    private(set) var ends: Set<PaymentStatus> = []
    /// What follows after all facts depends on the standing alone.
    private var known: [Standing: PaymentStatus] = [:]

    init(facts: [SubscriptionFact], now: UTCTime) { (self.facts, self.now) = (facts, now) }

    mutating func visit(_ order: [Int], _ entered: Standing?) async {
        // 336 times: other tests need this thread too.
        if order.count == 3 { await Task.yield() }
        guard order.count < facts.count else {
            count += 1
            if let entered { ends.insert(end(entered)) }
            return
        }
        for place in facts.indices where !order.contains(place) {
            let order = order + [place]
            var one = StandingCase(order.map { facts[$0] })
            one.standing = entered
            one.look(at: now)
            await visit(order, one.standing)
        }
    }

    private mutating func end(_ entered: Standing) -> PaymentStatus {
        if let end = known[entered] { return end }
        var one = StandingCase(facts)
        one.standing = entered
        for day in Int64(0)..<10 { one.look(at: now.adding(days: day)) }
        let end = one.standing?.status ?? .expired
        known[entered] = end
        return end
    }
}
