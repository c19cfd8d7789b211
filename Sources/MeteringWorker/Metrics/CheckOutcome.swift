import Quotas

/// How a check ended, as its metric says it.
enum CheckOutcome: Int, CaseIterable, Sendable {
    case allowed, withoutSubscription, suspended
    case rateLimit, quota, concurrency, ended, readOnly
    case unknownClinic, noSuchLimit
    case countersUnavailable, unanswered, termsUnavailable, unsettled, unreadable, plan, busy,
        unsteady, other

    init(_ result: Result<QuotaAnswer, QuotaError>) {
        switch result {
        case .success(.decided(let decision)): self.init(decision)
        case .success(.unknownClinic): self = .unknownClinic
        case .success(.noSuchLimit): self = .noSuchLimit
        case .failure(.countersUnavailable): self = .countersUnavailable
        case .failure(.unanswered): self = .unanswered
        case .failure(.termsUnavailable): self = .termsUnavailable
        case .failure(.unsettled): self = .unsettled
        case .failure(.unreadable): self = .unreadable
        case .failure(.plan): self = .plan
        case .failure(.busy): self = .busy
        case .failure(.unsteady): self = .unsteady
        }
    }

    private init(_ decision: QuotaDecision) {
        guard decision.isAllowed else {
            self = decision.reasons.lazy.compactMap(Self.denial).first ?? .other
            return
        }
        self =
            decision.reasons.contains(.suspended)
            ? .suspended
            : decision.reasons.contains(.noSubscription) ? .withoutSubscription : .allowed
    }

    private static func denial(_ reason: QuotaDecision.Reason) -> CheckOutcome? {
        switch reason {
        case .rateLimit: .rateLimit
        case .quota: .quota
        case .concurrency: .concurrency
        case .ended: .ended
        case .readOnly: .readOnly
        case .noSubscription, .suspended: nil
        }
    }

    var verdict: String {
        switch self {
        case .allowed, .withoutSubscription, .suspended: "allowed"
        case .rateLimit, .quota, .concurrency, .ended, .readOnly: "denied"
        case .unknownClinic, .noSuchLimit: "unknown"
        case .countersUnavailable, .unanswered, .termsUnavailable, .unsettled, .unreadable, .plan,
            .busy, .unsteady, .other:
            "failed"
        }
    }

    var reason: String {
        switch self {
        case .allowed: "none"
        case .withoutSubscription: "no_subscription"
        case .suspended: "suspended"
        case .rateLimit: "rate_limit"
        case .quota: "quota"
        case .concurrency: "concurrency"
        case .ended: "subscription_ended"
        case .readOnly: "read_only"
        case .unknownClinic: "clinic"
        case .noSuchLimit: "limit"
        case .countersUnavailable: "redis_unavailable"
        case .unanswered: "redis_silent"
        case .termsUnavailable: "postgres_unavailable"
        case .unsettled: "unsettled"
        case .unreadable: "unreadable"
        case .plan: "plan"
        case .busy: "busy"
        case .unsteady: "unsteady"
        case .other: "other"
        }
    }
}
