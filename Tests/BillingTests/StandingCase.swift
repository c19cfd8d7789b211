import Billing
import Metering

/// A subscription in a test: its facts, and the evaluations that a worker would make.
struct StandingCase {
    var facts: [SubscriptionFact] = []
    var terms = SubscriptionTerms(end: nil, renews: true)
    var schedule = DunningSchedule()
    var standing: Standing?
    var notices: [Int64] = []
    var next: UTCTime?

    static let start = day(0)

    /// So many days after 2026-01-01.
    static func day(_ day: Int64, hour: Int64 = 0) -> UTCTime {
        UTCTime(microseconds: 1_767_225_600_000_000)?.adding(days: day).adding(hours: hour) ?? .last
    }

    init(_ facts: [SubscriptionFact] = []) { self.facts = facts }

    mutating func add(_ kind: SubscriptionFact.Kind, on day: Int64) {
        facts.append(SubscriptionFact(at: Self.day(day), kind: kind))
    }

    /// One evaluation.
    @discardableResult
    mutating func look(at now: UTCTime) -> PaymentStatus? {
        let step = Standing.after(
            facts, terms: terms, entered: standing, schedule: schedule, now: now)
        if let notice = step.notice, notice != notices.last { notices.append(notice) }
        (standing, next) = (step.standing, step.next)
        return standing?.status
    }

    @discardableResult
    mutating func look(on day: Int64) -> PaymentStatus? { look(at: Self.day(day)) }

    /// Looks once a day.
    mutating func live(_ days: ClosedRange<Int64>) {
        for day in days { look(on: day) }
    }
}
