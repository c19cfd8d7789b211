/// What a plan promises, from the key `metering` of `subscription_plans.features`.
///
/// ```json
/// {"metering": {"limits": {"default": {"rate": 20, "per": "1s", "burst": 60,
///                                      "sustained": {"rate": 600, "per": "1m"}}},
///               "quota": {"api_calls": 500000}, "storage_bytes": 107374182400}}
/// ```
/// Every part may be missing: no limit, no quota. The keys `billing` and `standing` are read by
/// `PlanTerms`; other keys beside `metering` are the application's.
public struct PlanFeatures: Hashable, Sendable {
    public struct Limit: Hashable, Sendable {
        public let name: String
        /// The limit itself and, when the plan has one, its sustained part.
        public let windows: [RateLimit]
        /// What a call is answered while its counter cannot be asked; nil = as the worker is set.
        public var whenAway: WhenAway?
    }

    public let limits: [Limit]
    /// Units a month; nil = no quota.
    public let quota: Int64?
    /// Bytes of files; nil = no limit.
    public let storageBytes: Int64?

    public static let unlimited = PlanFeatures(limits: [], quota: nil, storageBytes: nil)

    /// All windows in the order in which the counter holds them.
    public var rateLimits: [RateLimit] { limits.flatMap(\.windows) }
}
