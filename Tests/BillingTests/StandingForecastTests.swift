import Billing
import Metering
import TestSupport
import Testing

@Suite(.timed) struct `The schedule of a clinic that does not pay` {
    private static func lines(_ one: StandingCase, from day: Int64) -> [String] {
        StandingForecast(
            one.facts, terms: one.terms, entered: one.standing, schedule: one.schedule,
            now: StandingCase.day(day)
        ).entries.map { entry in
            switch entry.what {
            case .becomes(let status, let cause):
                "\(entry.at.date) \(status.rawValue) \(cause.rawValue)"
            case .notice(let day): "\(entry.at.date) notice \(day)"
            }
        }
    }

    @Test func `lists every date`() {
        var one = StandingCase()
        one.add(.paymentFailed(invoice: nil), on: 0)
        one.look(on: 0)
        #expect(
            Self.lines(one, from: 0) == [
                "2026-01-02 notice 1", "2026-01-04 notice 3", "2026-01-08 notice 7",
                "2026-01-13 notice 12", "2026-01-15 suspended grace_ended",
                "2026-03-02 canceled deadline_passed",
            ])
    }

    @Test func `begins with a trial, and a trial without a payment with a pause`() {
        var one = StandingCase()
        one.add(.subscribed(trialUntil: StandingCase.day(14), awaitsPayment: false), on: 0)
        one.look(on: 0)
        #expect(Self.lines(one, from: 0) == ["2026-01-15 paused trial_ended"])
        one.terms = SubscriptionTerms(end: StandingCase.day(30), renews: false)
        #expect(
            Self.lines(one, from: 0) == [
                "2026-01-15 paused trial_ended", "2026-01-31 expired end_date_passed",
            ])
    }

    @Test func `catches up one step a day after a year without an evaluation`() {
        var one = StandingCase()
        one.add(.paymentFailed(invoice: nil), on: 0)
        one.standing = Standing(status: .active, since: StandingCase.start, cause: .subscribed)
        #expect(
            Self.lines(one, from: 365) == [
                "2027-01-01 past_due unpaid", "2027-01-02 suspended grace_ended",
                "2027-01-03 canceled deadline_passed",
            ])
        one.live(365...368)
        #expect(one.notices == [12])
    }

    @Test func `follows the plan's own days`() {
        var one = StandingCase()
        one.schedule.noticeDays = [2]
        one.schedule.suspendAfterDays = 5
        one.schedule.cancelAfterDays = 6
        one.schedule.minimumDwellHours = 48
        one.add(.paymentFailed(invoice: nil), on: 0)
        one.look(on: 0)
        #expect(
            Self.lines(one, from: 0) == [
                "2026-01-03 notice 2", "2026-01-06 suspended grace_ended",
                "2026-01-08 canceled deadline_passed",
            ])
    }
}

@Suite(.timed) struct `What a payment does` {
    @Test func `an older failure that becomes known late changes nothing`() {
        var one = StandingCase()
        one.add(.paid(invoice: "a"), on: 10)
        one.add(.paymentFailed(invoice: "a"), on: 20)
        one.add(.paymentFailed(invoice: nil), on: 5)
        one.add(.paid(invoice: nil), on: 6)
        #expect(one.look(on: 30) == .active)
        one.add(.reopened(invoice: "a"), on: 29)
        #expect(one.look(on: 30) == .pastDue)
    }

    @Test func `a payment of the account covers an invoice that was not due yet`() {
        var one = StandingCase()
        one.add(.charged(invoice: "a", due: StandingCase.day(15)), on: 1)
        one.add(.paid(invoice: nil), on: 10)
        one.live(10...80)
        #expect(one.standing?.status == .active)
        one.add(.charged(invoice: "b", due: StandingCase.day(85)), on: 81)
        #expect(one.look(on: 85) == .pastDue)
    }

    @Test func `the oldest open amount decides, and a newer one has its own grace`() {
        var one = StandingCase()
        one.add(.charged(invoice: "a", due: StandingCase.day(10)), on: 1)
        one.add(.charged(invoice: "b", due: StandingCase.day(28)), on: 20)
        #expect(one.look(on: 9) == .active)
        one.live(10...30)
        #expect(one.standing?.status == .suspended)
        one.add(.paid(invoice: "a"), on: 30)
        #expect(one.look(on: 30) == .pastDue)
        one.add(.paid(invoice: "b"), on: 30)
        #expect(one.look(on: 30) == .active)
    }

    @Test
    func `a payment before the end, recorded after it, brings a clinic back; a later one does not`()
    {
        var one = StandingCase()
        one.add(.paymentFailed(invoice: nil), on: 0)
        one.live(0...60)
        #expect(one.standing?.status == .canceled)
        var late = one
        late.add(.paid(invoice: nil), on: 61)
        #expect(late.look(on: 62) == .canceled)
        one.add(.paid(invoice: nil), on: 59)
        #expect(one.look(on: 62) == .active)
        #expect(one.standing?.cause == .restored)
    }
}

@Suite(.timed) struct `A value that the application wrote` {
    @Test func `holds without an end until something happens`() {
        for word in PaymentStatus.allCases {
            var one = StandingCase()
            one.add(.declared(word), on: 0)
            one.live(0...100)
            #expect(one.standing?.status == word)
            #expect(one.notices.isEmpty)
        }
    }

    @Test func `is where the next fact goes on from`() {
        let table: [(PaymentStatus, SubscriptionFact.Kind, PaymentStatus)] = [
            (.pastDue, .paymentFailed(invoice: nil), .pastDue),
            (.suspended, .paymentFailed(invoice: nil), .suspended),
            (.suspended, .paid(invoice: nil), .active), (.paused, .released, .active),
            (.active, .held(until: nil), .paused), (.trialing, .released, .trialing),
            (.incomplete, .paid(invoice: nil), .active),
            (.canceled, .paid(invoice: nil), .canceled),
        ]
        for (word, kind, wanted) in table {
            var one = StandingCase()
            one.add(.declared(word), on: 0)
            one.look(on: 0)
            one.add(kind, on: 20)
            one.live(20...22)
            #expect(one.standing?.status == wanted, "\(word) \(kind)")
        }
    }

    /// Nobody knows since when such a clinic owes, so its days begin with the first fact.
    @Test func `lets deadlines begin with the first fact after it`() {
        let table: [(PaymentStatus, SubscriptionFact.Kind, PaymentStatus)] = [
            (.incomplete, .held(until: nil), .paused),
            (.incomplete, .charged(invoice: "a", due: StandingCase.day(99)), .incomplete),
            (.pastDue, .charged(invoice: "a", due: StandingCase.day(99)), .pastDue),
        ]
        for (word, kind, wanted) in table {
            var one = StandingCase()
            one.add(.declared(word), on: 0)
            one.look(on: 0)
            one.add(kind, on: 70)
            #expect(one.look(on: 70) == wanted, "\(word) \(kind)")
        }
    }

    @Test func `an end date ends it only when nothing renews it`() {
        for renews in [true, false] {
            var one = StandingCase()
            one.add(.declared(.active), on: 0)
            one.terms = SubscriptionTerms(end: StandingCase.day(30), renews: renews)
            one.look(on: 29)
            #expect(one.next == (renews ? nil : StandingCase.day(30)))
            #expect(one.look(on: 30) == (renews ? .active : .expired))
            one.terms.end = StandingCase.day(60)
            #expect(one.look(on: 31) == .active)
        }
    }

    @Test func `may be one of those that applications used before`() {
        let words: [(String, PaymentStatus?)] = [
            ("paid", .active), ("PENDING", .incomplete), (" unpaid ", .pastDue),
            ("overdue", .pastDue),
            ("trial", .trialing), ("Cancelled", .canceled), ("blocked", .suspended),
            ("past_due", .pastDue), ("vip", nil), ("", nil), ("past-due", nil),
        ]
        for (word, status) in words { #expect(PaymentStatus(stored: word) == status) }
    }
}
