public import Metering

/// What happens to a clinic that does not pay, in days since the oldest open amount was due.
///
/// Deadlines are absolute: 14 days after the 1st is the 15th, whenever the worker evaluates it. By
/// default notices on days 1, 3, 7 and 12, suspended on day 14, canceled on day 60.
public struct DunningSchedule: Hashable, Sendable {
    /// Days of the notices, ascending, each 1…3650 and before `cancelAfterDays`.
    public var noticeDays: [Int64] = [1, 3, 7, 12]
    /// 1…3650.
    public var suspendAfterDays: Int64 = 14
    /// More than `suspendAfterDays`, at most 3650.
    public var cancelAfterDays: Int64 = 60
    /// The trial of a new subscription, 0…3650; 0 is none.
    public var trialDays: Int64 = 0
    /// The least time between two steps of severity, 0…720: a late start must not take two at once.
    public var minimumDwellHours: Int64 = 24

    /// A first payment must arrive within this time.
    public static let firstPaymentHours: Int64 = 23

    public init() {}

    /// How far an amount that is open since `since` has come at `now`: 1 past due, 2 suspended, 3
    /// over.
    ///
    /// Open since 2026-11-01 00:00, evaluated on 2026-11-15 00:00 → 2.
    func severity(since: UTCTime, now: UTCTime) -> Int {
        if now >= since.adding(days: cancelAfterDays) { return 3 }
        return now >= since.adding(days: suspendAfterDays) ? 2 : 1
    }

    /// The latest notice that is due at `now`, as its day; nil before the first.
    ///
    /// Only the latest: after a week without an evaluation, a clinic gets one notice, not three.
    public func notice(unpaidSince since: UTCTime, now: UTCTime) -> Int64? {
        noticeDays.last { now >= since.adding(days: $0) }
    }
}

extension UTCTime {
    /// The instant this many days of 24 hours later, at most the last representable one.
    public func adding(days: Int64) -> UTCTime { adding(microseconds: days, times: 86_400_000_000) }

    public func adding(hours: Int64) -> UTCTime {
        adding(microseconds: hours, times: 3_600_000_000)
    }

    private func adding(microseconds count: Int64, times unit: Int64) -> UTCTime {
        let (span, tooLong) = count.multipliedReportingOverflow(by: unit)
        let (sum, tooLate) = microseconds.addingReportingOverflow(span)
        let end = UTCTime.last
        return tooLong || tooLate ? end : UTCTime(microseconds: sum) ?? end
    }
}
