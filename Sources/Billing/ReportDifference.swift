public import Metering

/// One clinic in two months, side by side. Fields in the order of the report.
public struct ReportDifference: Hashable, Sendable {
    public var month: Month
    public var compared: Month
    public var clinic: ClinicID
    public var subdomain: String?
    public var name: String
    public var plan: String?
    public var paymentStatus: String?
    public var apiCalls: Change
    /// Bytes.
    public var storageUsed: Change

    /// A number in the month, in the other one, and the first less the second.
    public struct Change: Hashable, Sendable {
        public var now: Int64
        public var compared: Int64
        public var change: Int64

        public init(now: Int64, compared: Int64, change: Int64) {
            self.now = now
            self.compared = compared
            self.change = change
        }
    }

    public init(
        month: Month, compared: Month, clinic: ClinicID, subdomain: String?, name: String,
        plan: String?, paymentStatus: String?, apiCalls: Change, storageUsed: Change
    ) {
        self.month = month
        self.compared = compared
        self.clinic = clinic
        self.subdomain = subdomain
        self.name = name
        self.plan = plan
        self.paymentStatus = paymentStatus
        self.apiCalls = apiCalls
        self.storageUsed = storageUsed
    }
}
