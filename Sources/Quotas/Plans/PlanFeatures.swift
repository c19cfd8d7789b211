/// What a plan promises, from the key `metering` of `subscription_plans.features`.
///
/// ```json
/// {"metering": {"limits": {"default": {"rate": 20, "per": "1s", "burst": 60,
///                                      "sustained": {"rate": 600, "per": "1m"}}},
///               "quota": {"api_calls": 500000}, "storage_bytes": 107374182400}}
/// ```
/// `"shadow": true` in a limit or in `quota` puts it in shadow.
///
/// Every part may be missing: no limit, no quota. `PlanTerms` reads the keys `billing` and
/// `standing`; other keys beside `metering` belong to the application.
public struct PlanFeatures: Hashable, Sendable {
    public struct Limit: Hashable, Sendable {
        public let name: String
        /// The limit itself and, when the plan has one, its sustained part.
        public let windows: [RateLimit]
        /// Counted and reported, never obeyed.
        public var isInShadow = false
        /// Holds of the limit that may be open at once, 1…1,000; nil = only the clinic's own bound.
        public var concurrent: Int64?
        /// What happens to a call while its counter is unavailable; nil = as the worker is set.
        public var onOutage: OutageRule?
    }

    public let limits: [Limit]
    /// Units a month; nil = no quota.
    public let quota: Int64?
    /// Bytes of files; nil = no limit.
    public let storageBytes: Int64?
    /// The quota is counted and reported, never obeyed.
    public var isQuotaInShadow = false

    public static let unlimited = PlanFeatures(limits: [], quota: nil, storageBytes: nil)

    /// All windows in the order in which the counter holds them.
    public var rateLimits: [RateLimit] { limits.flatMap(\.windows) }
    /// The windows that are in shadow: bit i = window i of `rateLimits`.
    var shadowMask: UInt8 {
        let inShadow = limits.flatMap { limit in limit.windows.map { _ in limit.isInShadow } }
        return inShadow.enumerated().reduce(0) { $1.element ? $0 | 1 << UInt8($1.offset) : $0 }
    }
}
