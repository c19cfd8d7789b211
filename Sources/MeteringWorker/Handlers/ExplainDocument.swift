import Admission
import Ledger
import Metering
import Quotas

/// The answer of `explain` as JSON.
struct ExplainDocument: Encodable {
    /// What a number comes from.
    struct Source: Encodable {
        /// `plan`, `override` or `none`.
        let from: String
        let plan: String?
        let plan_version: Int64?
        let override_id: Int64?
        let until, reason: String?
    }

    struct Limit: Encodable {
        let name: String
        let limit, used, remaining, window_ms: Int64
        /// Until one more unit is free, and until all are.
        let next_free_after_ms, all_free_after_ms: Int64
        let source: Source
    }

    struct Quota: Encodable {
        let month: String
        let used: Int64
        let limit, remaining: Int64?
        let resets_at: String
        let source: Source
    }

    struct Counted: Encodable {
        let name: String
        let used: Int64
        let limit, remaining: Int64?
        let enforced: Bool
        let source: Source
    }

    struct Denials: Encodable {
        struct Denial: Encodable {
            let at, reason: String
            let limits: [String]
            let retry_after_ms: Int64?
        }
        /// This worker has no denials from before.
        let watching_since: String
        let counts: UsageDocument.Denied
        /// Newest first.
        let last: [Denial]
    }

    let clinic_id, at: String
    /// nil without a subscription, or with an unknown status.
    let standing: String?
    let reasons: [String]
    let limits: [Limit]
    let quota: Quota
    let counted: [Counted]
    let denials_by_this_worker: Denials

    init(
        clinic: ClinicID, decision: QuotaDecision, origin: TermsProvenance,
        capacity: ClinicCapacity, denials: [QuotaDecision.Reason: Int64],
        last: [DenialLog.Entry], since: Int64
    ) {
        clinic_id = clinic.description
        at = Self.text(decision.decidedAt)
        standing = origin.standing
        reasons = decision.reasons.map(\.rawValue)
        limits = decision.limits.map { limit in
            Limit(limit, source: Source(origin.source(of: "limit:\(limit.name)")))
        }
        quota = Quota(decision.period, source: Source(origin.source(of: "quota")))
        counted = LimitCounter.allCases.map { counter in
            let share = capacity[counter]
            return Counted(
                name: counter.rawValue, used: share.used, limit: share.limit,
                remaining: share.remaining, enforced: capacity.isEnforced,
                source: Source(origin.source(of: counter.rawValue)))
        }
        denials_by_this_worker = Denials(
            watching_since: Self.text(since), counts: UsageDocument.Denied(denials),
            last: last.reversed().map(Denials.Denial.init))
    }

    fileprivate static func text(_ time: Int64) -> String {
        UTCTime(microseconds: time)?.rfc3339 ?? ""
    }
}

extension ExplainDocument.Limit {
    fileprivate init(_ limit: QuotaDecision.Limit, source: ExplainDocument.Source) {
        self.init(
            name: limit.name, limit: limit.burst, used: max(0, limit.burst - limit.remaining),
            remaining: limit.remaining, window_ms: limit.window.millisecondsUp,
            next_free_after_ms: limit.nextFreeAfter.millisecondsUp,
            all_free_after_ms: limit.resetAfter.millisecondsUp, source: source)
    }
}

extension ExplainDocument.Quota {
    fileprivate init(_ period: QuotaDecision.Period, source: ExplainDocument.Source) {
        let usage = DecisionDocument.Usage(period)
        self.init(
            month: usage.month, used: usage.used, limit: usage.quota, remaining: usage.remaining,
            resets_at: usage.resets_at, source: source)
    }
}

extension ExplainDocument.Source {
    fileprivate init(_ source: TermsProvenance.Source) {
        switch source {
        case .none:
            self.init(
                from: "none", plan: nil, plan_version: nil, override_id: nil, until: nil,
                reason: nil)
        case .plan(let name, let version):
            self.init(
                from: "plan", plan: name, plan_version: version, override_id: nil, until: nil,
                reason: nil)
        case .override(let entry):
            self.init(
                from: "override", plan: nil, plan_version: nil, override_id: entry.id,
                until: ExplainDocument.text(entry.until), reason: entry.reason)
        }
    }
}

extension ExplainDocument.Denials.Denial {
    fileprivate init(_ entry: DenialLog.Entry) {
        self.init(
            at: ExplainDocument.text(entry.at), reason: entry.reason.rawValue,
            limits: entry.limits, retry_after_ms: entry.retryAfter?.millisecondsUp)
    }
}
