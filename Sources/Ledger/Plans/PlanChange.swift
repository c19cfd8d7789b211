import Metering
import Quotas

/// What applying a plan does, or would do.
public struct PlanChange: Hashable, Sendable {
    public let name: String
    public let isNew: Bool
    /// The newest version afterwards; 0 when a dry run would make the first.
    public var version: Int64
    public let differences: [Difference]
    /// Whom it concerns; nil when nothing differs, and for a new plan.
    public let reach: Reach?

    public struct Difference: Hashable, Sendable {
        /// `max_users`, `features.metering.quota.api_calls`.
        public let path: String
        /// nil = not there.
        public let before: String?
        public let after: String?
        /// When it counts, where that is not at once.
        public let delay: Delay?
    }

    public enum Delay: Sendable {
        /// A lowered quota: running months keep what was promised.
        case nextMonth
        /// A lowered limit of the database refuses additions and removes nothing.
        case nextInsert
    }

    public struct Reach: Hashable, Sendable {
        public let clinics: Int64
        /// The first 20, by subdomain.
        public let names: [String]
        /// How many clinics hold more than the plan then allows.
        public let overUsers: Int64
        public let overPatients: Int64
        public let overStorage: Int64
        /// How many used more this month than the new quota.
        public let overQuota: Int64
    }
}
