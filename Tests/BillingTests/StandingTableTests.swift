import Billing
import Metering
import TestSupport
import Testing

@Suite(.timed) struct `A standing` {
    /// How a test brings a clinic into each status by day 100.
    static let ways: [(PaymentStatus, [(Int64, SubscriptionFact.Kind)])] = [
        (.incomplete, [(100, .subscribed(trialUntil: nil, awaitsPayment: true))]),
        (.trialing, [(90, .subscribed(trialUntil: StandingCase.day(104), awaitsPayment: false))]),
        (.active, [(0, .subscribed(trialUntil: nil, awaitsPayment: false))]),
        (.pastDue, [(98, .paymentFailed(invoice: nil))]),
        (.suspended, [(80, .paymentFailed(invoice: nil))]),
        (.paused, [(0, .held(until: nil))]),
        (.canceled, [(0, .canceled(effective: StandingCase.day(50)))]),
        (.expired, [(0, .subscribed(trialUntil: nil, awaitsPayment: true))]),
    ]

    /// What happens on day 100, and when it is looked at: two days later unless it says more.
    static let stimuli: [(String, Int64, SubscriptionFact.Kind?)] = [
        ("nothing", 102, nil), ("paid", 102, .paid(invoice: nil)),
        ("failed", 102, .paymentFailed(invoice: nil)), ("+15 days", 115, nil),
        ("+90 days", 190, nil), ("held", 102, .held(until: nil)), ("released", 102, .released),
        ("cancel", 102, .canceled(effective: StandingCase.day(101))),
        ("subscribe", 102, .subscribed(trialUntil: nil, awaitsPayment: false)),
        ("writes active", 102, .declared(.active)),
    ]

    static func brought(to way: [(Int64, SubscriptionFact.Kind)]) -> StandingCase {
        var one = StandingCase()
        for (day, kind) in way { one.add(kind, on: day) }
        one.live(0...100)
        return one
    }

    @Test func `the table of what follows from what`() {
        let rows = Self.ways.map { status, way in
            let one = Self.brought(to: way)
            #expect(one.standing?.status == status)
            return Self.stimuli.map { stimulus -> String in
                var one = one
                if let kind = stimulus.2 {
                    one.facts.append(
                        SubscriptionFact(at: StandingCase.day(100, hour: 1), kind: kind))
                }
                one.live(101...stimulus.1)
                return one.standing?.status.rawValue ?? "-"
            }
        }
        let table = [
            // nothing, paid, failed, +15 days, +90 days, held, released, cancel, subscribe, writes active
            [
                "expired", "active", "expired", "expired", "expired", "expired", "expired",
                "canceled", "active", "active",
            ],
            [
                "trialing", "active", "past_due", "paused", "paused", "paused", "trialing",
                "canceled", "active", "active",
            ],
            [
                "active", "active", "past_due", "active", "active", "paused", "active", "canceled",
                "active", "active",
            ],
            [
                "past_due", "active", "past_due", "suspended", "canceled", "paused", "past_due",
                "canceled", "active", "active",
            ],
            [
                "suspended", "active", "suspended", "suspended", "canceled", "paused", "suspended",
                "canceled", "active", "active",
            ],
            [
                "paused", "paused", "paused", "paused", "paused", "paused", "active", "canceled",
                "active", "active",
            ],
            [
                "canceled", "canceled", "canceled", "canceled", "canceled", "canceled", "canceled",
                "canceled", "active", "active",
            ],
            [
                "expired", "expired", "expired", "expired", "expired", "expired", "expired",
                "expired", "active", "active",
            ],
        ]
        for (row, wanted) in zip(rows, table) {
            print(row.joined(separator: "  ")); #expect(row == wanted)
        }
        #expect(rows == table)
    }

    /// Rows: from; columns: to, both in the order of the statuses. The database refuses every other move that
    /// nobody declared, by the same table.
    static let moves = [
        // incomplete, trialing, active, past_due, suspended, paused, canceled, expired
        [0, 1, 1, 1, 0, 1, 1, 1],  // incomplete
        [1, 0, 1, 1, 0, 1, 1, 1],  // trialing
        [1, 1, 0, 1, 0, 1, 1, 1],  // active
        [1, 1, 1, 0, 1, 1, 1, 1],  // past_due
        [1, 1, 1, 1, 0, 1, 1, 1],  // suspended
        [1, 1, 1, 1, 0, 0, 1, 1],  // paused
        [1, 1, 1, 1, 0, 1, 0, 1],  // canceled
        [1, 1, 1, 1, 0, 1, 1, 0],  // expired
    ]

    @Test func `the table of moves, as random lives make them`() async {
        var seen = Self.moves.map { $0.map { _ in 0 } }
        var random = SplitMix64(seed: 20_261_124)
        for _ in 0..<6_000 {
            await Task.yield()
            var one = StandingCase()
            var hour: Int64 = 0
            for _ in 0..<40 {
                hour += .random(in: 6...96, using: &random)
                if Int.random(in: 0..<3, using: &random) == 0 {
                    one.facts.append(RandomFacts.fact(on: hour / 24, &random, words: false))
                }
                if Int.random(in: 0..<20, using: &random) == 0 {
                    one.terms = SubscriptionTerms(
                        end: StandingCase.day(.random(in: 0...200, using: &random)),
                        renews: .random(using: &random))
                }
                let before = one.standing?.status
                one.look(at: StandingCase.day(0, hour: hour))
                if let before, let after = one.standing?.status, before != after {
                    seen[before.place][after.place] = 1
                }
            }
        }
        for row in seen { print(row) }
        #expect(seen == Self.moves)
    }
}

extension PaymentStatus {
    var place: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// Facts of every kind.
enum RandomFacts {
    static func fact(
        on day: Int64, _ random: inout SplitMix64, words: Bool = true
    ) -> SubscriptionFact {
        let at = StandingCase.day(day, hour: .random(in: 0...23, using: &random))
        let invoice = random.pick([nil, "a", "b"])
        let kinds: [SubscriptionFact.Kind] = [
            .subscribed(
                trialUntil: random.pick([nil, at.adding(days: 14)]),
                awaitsPayment: .random(using: &random)),
            .charged(invoice: "a", due: at.adding(days: .random(in: 0...20, using: &random))),
            .paymentFailed(invoice: invoice), .paymentFailed(invoice: invoice),
            .paid(invoice: invoice), .paid(invoice: invoice), .reopened(invoice: invoice),
            .held(until: random.pick([nil, at.adding(days: 5)])), .released,
            .canceled(effective: at.adding(days: .random(in: 0...9, using: &random))),
            .cancelWithdrawn,
        ]
        let word = SubscriptionFact.Kind.declared(random.pick(PaymentStatus.allCases))
        return SubscriptionFact(at: at, kind: random.pick(words ? kinds + [word] : kinds))
    }
}
