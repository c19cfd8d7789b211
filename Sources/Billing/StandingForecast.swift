public import Metering

/// What time alone will bring a subscription if nothing else happens.
public struct StandingForecast: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        public enum What: Hashable, Sendable {
            case becomes(PaymentStatus, because: Standing.Cause)
            /// The notice of this day.
            case notice(day: Int64)
        }
        public let at: UTCTime
        public let what: What
    }

    public let entries: [Entry]

    /// Plays the evaluations that the worker would make, each at the first instant at which it
    /// could change something. A subscription has few of those; after `most` entries it stops.
    public init(
        _ facts: [SubscriptionFact], terms: SubscriptionTerms, entered: Standing?,
        schedule: DunningSchedule, now: UTCTime, most: Int = 200
    ) {
        var entries: [Entry] = []
        var step = Standing.after(
            facts, terms: terms, entered: entered, schedule: schedule, now: now)
        if step.standing != entered { entries.append(Entry(at: now, step.standing)) }
        while let next = step.next, entries.count < most {
            let before = step
            step = Standing.after(
                facts, terms: terms, entered: before.standing, schedule: schedule, now: next)
            if step.standing != before.standing { entries.append(Entry(at: next, step.standing)) }
            if let day = step.notice,
                day != before.notice || step.unpaidSince != before.unpaidSince
            {
                entries.append(Entry(at: next, what: .notice(day: day)))
            }
        }
        self.entries = entries
    }
}

extension StandingForecast.Entry {
    fileprivate init(at: UTCTime, _ standing: Standing) {
        self.init(at: at, what: .becomes(standing.status, because: standing.cause))
    }
}
