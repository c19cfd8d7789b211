public import Metering

/// Which clinics a report of a month is about. Everything that is given must hold.
public struct ReportSelection: Hashable, Sendable {
    public var month: Month
    public var clinic: ClinicID?
    /// Names of plans, and ``none`` for clinics without a subscription; empty is any.
    public var plans: [String] = []
    /// Words of `payment_status`, and ``none``; empty is any.
    public var statuses: [String] = []
    /// Only clinics at or above this percentage of one of their limits.
    public var overPercent: Int64?
    /// Only clinics with a finding.
    public var onlyAttention = false

    /// Stands for the plan and the status of a clinic that has no subscription.
    public static let none = "none"

    public init(month: Month) { self.month = month }

    /// Whether some clinic may be left out.
    public var isNarrowed: Bool {
        clinic != nil || !plans.isEmpty || !statuses.isEmpty || overPercent != nil || onlyAttention
    }
}
