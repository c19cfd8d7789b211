import HTTPServer
import Metering
import Quotas

/// Advice on users, patients or storage as JSON: members named as in `DecisionDocument`, without
/// those that only calls have.
struct AdviceDocument: Encodable {
    struct Limit: Encodable {
        let name: String
        let used: Int64
        let limit, remaining: Int64?
        let denied: Bool

        enum CodingKeys: CodingKey {
            case name, used, limit, remaining, denied
        }

        /// An absent limit is written as `null`, which says that there is none.
        func encode(to encoder: any Encoder) throws {
            var object = encoder.container(keyedBy: CodingKeys.self)
            try object.encode(name, forKey: .name)
            try object.encode(used, forKey: .used)
            try object.encode(limit, forKey: .limit)
            try object.encode(remaining, forKey: .remaining)
            try object.encode(denied, forKey: .denied)
        }
    }

    let clinic_id: String
    let allowed, enforced: Bool
    let reason: String?
    let reasons: [String]
    let limits: [Limit]
    // A denial is a problem document too (RFC 9457).
    let type, title, detail: String?
    let status: Int?

    init(_ advice: CapacityAnswer, of clinic: ClinicID) {
        clinic_id = clinic.description
        (allowed, enforced) = (advice.isAllowed, advice.capacity.isEnforced)
        reasons = advice.reasons.map(\.rawValue)
        reason = reasons.first
        limits = LimitCounter.allCases.map { counter in
            let share = advice.capacity[counter]
            return Limit(
                name: counter.rawValue, used: share.used, limit: share.limit,
                remaining: share.remaining, denied: counter == advice.counter && !advice.isAllowed)
        }
        let problem = Problem(advice)
        type = problem.map { Problem.type($0.code) }
        (title, detail, status) = (problem?.title, problem?.detail, problem?.status)
    }
}

extension Problem {
    /// nil when the decision allows.
    fileprivate init?(_ advice: CapacityAnswer) {
        guard !advice.isAllowed else { return nil }
        let share = advice.capacity[advice.counter]
        self.init(
            status: Self.limitReached, code: "limit-reached",
            title: "The plan allows no more \(advice.counter.rawValue)",
            detail: "\(share.used) of \(share.limit ?? 0) are in use; "
                + "remove some, or move the clinic to a larger plan")
    }

    static let limitReached = 409
}

extension APIResponse {
    init(_ advice: CapacityAnswer, of clinic: ClinicID) {
        let document = AdviceDocument(advice, of: clinic)
        if advice.isAllowed {
            self.init(status: 200, json: document)
        } else {
            self.init(status: Problem.limitReached, problem: document)
        }
    }
}
