import Metering
import Quotas

/// A denied decision as HTTP reports it.
struct Denial {
    let status: Int
    let code, title, detail: String

    init(_ decision: QuotaDecision) {
        switch decision.reasons.first {
        case .ended:
            (status, code, title) = (402, "subscription-ended", "The subscription has ended")
            detail = "the clinic's subscription has ended; renew it"
        case .readOnly:
            (status, code, title) = (402, "read-only", "The subscription is suspended")
            detail = "the clinic may read and export, but may not change anything until it pays"
        case .quota:
            (status, code, title) = (429, "quota-exceeded", "The month's quota is used up")
            detail =
                "\(decision.period.used) of \(decision.period.quota ?? 0) units are used; "
                + "the next month starts at "
                + "\(UTCTime(microseconds: decision.period.end)?.rfc3339 ?? "")"
        case .concurrency:
            (status, code, title) = (429, "concurrency-limited", "Too many reservations at once")
            detail =
                "the limit admits no more open reservations; one ends within "
                + "\(decision.retryAfter?.millisecondsUp ?? 0) ms"
        default:
            (status, code, title) = (429, "rate-limited", "Too many calls at once")
            let names = decision.limits.filter(\.hasDenied).map(\.name).joined(separator: ", ")
            detail =
                decision.retryAfter.map { "\(names): ask again in \($0.millisecondsUp) ms" }
                ?? "\(names): the cost is larger than the limit ever admits"
        }
    }
}
