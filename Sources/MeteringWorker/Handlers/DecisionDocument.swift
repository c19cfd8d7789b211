import HTTPServer
import Metering
import Quotas
import Synchronization

/// A decision as JSON: the verdict, and every number behind it.
struct DecisionDocument: Encodable {
    struct Limit: Encodable {
        let name: String
        let limit, remaining: Int64
        let window_ms, reset_after_ms: Int64
        let denied: Bool
        /// Present only for a limit in shadow mode.
        let shadow: Bool?
    }

    struct Usage: Encodable {
        let month: String
        let used: Int64
        let quota, remaining: Int64?
        let resets_at: String

        enum CodingKeys: CodingKey {
            case month, used, quota, remaining, resets_at
        }

        /// An absent quota is written as `null`, which says that there is none.
        func encode(to encoder: any Encoder) throws {
            var object = encoder.container(keyedBy: CodingKeys.self)
            try object.encode(month, forKey: .month)
            try object.encode(used, forKey: .used)
            try object.encode(quota, forKey: .quota)
            try object.encode(remaining, forKey: .remaining)
            try object.encode(resets_at, forKey: .resets_at)
        }
    }

    let clinic_id: String
    let allowed: Bool
    let reason: String?
    let reasons: [String]
    let limits: [Limit]
    let usage: Usage
    let retry_after_ms: Int64?
    /// Units that were admitted, of `at_most`.
    let admitted: Int64?
    /// The limits in shadow mode that would have denied; absent when there is none.
    let would_deny: [String]?
    /// True: the request id was sent before, and nothing was counted now.
    var repeated: Bool?
    /// False: Redis could not remember the request id.
    var remembered: Bool?
    /// Present only when this worker decided by itself.
    let degraded: Bool?
    // A denial is a problem document too (RFC 9457).
    let type, title, detail: String?
    let status: Int?

    init(_ decision: QuotaDecision, of clinic: ClinicID, mode: CheckRequest.Mode = .consume) {
        clinic_id = clinic.description
        allowed = decision.isAllowed
        reasons = decision.reasons.map(\.rawValue)
        reason = reasons.first
        limits = decision.limits.map(Limit.init)
        usage = Usage(decision.period)
        retry_after_ms = decision.retryAfter?.millisecondsUp
        admitted = mode == .atMost ? decision.admitted : nil
        would_deny = decision.wouldDeny.isEmpty ? nil : decision.wouldDeny
        degraded = decision.isDegraded ? true : nil
        let denial = decision.isAllowed ? nil : Denial(decision)
        type = denial.map { Problem.type($0.code) }
        title = denial?.title
        detail = denial?.detail
        status = denial?.status
    }
}

extension DecisionDocument.Limit {
    init(_ limit: QuotaDecision.Limit) {
        self.init(
            name: limit.name, limit: limit.burst, remaining: limit.remaining,
            window_ms: limit.window.millisecondsUp,
            reset_after_ms: limit.resetAfter.millisecondsUp, denied: limit.hasDenied,
            shadow: limit.isInShadow ? true : nil)
    }
}

extension DecisionDocument.Usage {
    init(_ period: QuotaDecision.Period) {
        let text = PeriodText.of(period)
        (month, resets_at) = (text.month, text.end)
        used = period.used
        quota = period.quota
        remaining = period.remaining
    }
}

/// A period as text. The last one is cached: nearly every check of a month has the same.
private struct PeriodText {
    let start, endsAt: Int64
    let month, end: String

    private static let last = Mutex<PeriodText?>(nil)

    static func of(_ period: QuotaDecision.Period) -> PeriodText {
        last.withLock { last in
            if let last, last.start == period.start, last.endsAt == period.end { return last }
            let text = PeriodText(
                start: period.start, endsAt: period.end,
                month: Month(containing: period.start)?.description ?? "",
                end: UTCTime(microseconds: period.end)?.rfc3339 ?? "")
            last = text
            return text
        }
    }
}
