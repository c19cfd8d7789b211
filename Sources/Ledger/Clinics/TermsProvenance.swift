import Billing
import Quotas

/// Where each number comes from that decides a clinic's calls.
public struct TermsProvenance: Hashable, Sendable {
    public enum Source: Hashable, Sendable {
        /// No subscription, or a plan that says nothing of it.
        case none
        /// The plan's name, and its version in force.
        case plan(String, version: Int64?)
        case override(ListedOverride)
    }

    public let stored: StoredTerms
    public let overrides: [ListedOverride]

    /// The status of the subscription; nil without one, and for a status that this version does not
    /// know.
    public var standing: String? { stored.paymentStatus?.rawValue }

    /// - Parameter what: As an override names it: `quota`, `users`, `limit:default.sustained`.
    public func source(of what: String) -> Source {
        if let entry = overrides.first(where: { "\($0.override.what)" == what }) {
            return .override(entry)
        }
        guard let plan = stored.plan else { return .none }
        return .plan(plan.name, version: plan.version)
    }
}
