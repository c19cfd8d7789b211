public import Metering

/// A clinic as an administrator sees it in a list.
public struct ListedClinic: Hashable, Sendable {
    public let id: ClinicID
    public let name: String
    public let subdomain: String?
    /// nil without a subscription, or without a plan.
    public let plan: String?
    /// The value of `payment_status`; nil without a subscription.
    public let standing: String?
    /// Since when it has this standing; nil when it has none that is known.
    public let since: UTCTime?
    /// As PostgreSQL writes a date.
    public let firstDay: String?
    public let lastDay: String?
}
