import Metering
import Quotas

/// What a clinic has used and has left, without a verdict.
struct UsageDocument: Encodable {
    /// How often this worker denied calls of the clinic since it started, by reason.
    struct Denied: Encodable {
        let rate_limit, quota, subscription_ended, read_only: Int64
    }

    let clinic_id: String
    let degraded: Bool?
    let denied_by_this_worker: Denied
    let limits: [DecisionDocument.Limit]
    let usage: DecisionDocument.Usage

    init(
        _ decision: QuotaDecision, of clinic: ClinicID,
        denials: [QuotaDecision.Reason: Int64]
    ) {
        clinic_id = clinic.description
        degraded = decision.isDegraded ? true : nil
        denied_by_this_worker = Denied(denials)
        limits = decision.limits.map(DecisionDocument.Limit.init)
        usage = DecisionDocument.Usage(decision.period)
    }
}

extension UsageDocument.Denied {
    init(_ denials: [QuotaDecision.Reason: Int64]) {
        self.init(
            rate_limit: denials[.rateLimit] ?? 0, quota: denials[.quota] ?? 0,
            subscription_ended: denials[.ended] ?? 0, read_only: denials[.readOnly] ?? 0)
    }
}
