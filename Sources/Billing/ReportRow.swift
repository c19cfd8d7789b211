public import Metering

/// One clinic in one month, as `billing report` shows it. Fields in the order of the report.
public struct ReportRow: Hashable, Sendable {
    public var month: Month
    public var clinic: ClinicID
    /// nil when the clinic has none.
    public var subdomain: String?
    public var name: String
    /// nil without a subscription.
    public var plan: String?
    /// nil without a subscription.
    public var paymentStatus: PaymentStatus?
    public var users: Int64
    public var maxUsers: Allowance
    public var patients: Int64
    public var maxPatients: Allowance
    /// Cost units of the month: used − credited, over all epochs, with adjustments.
    public var apiCalls: Int64
    public var apiCallsIncluded: Allowance
    /// Bytes.
    public var storageUsed: Int64
    /// Bytes.
    public var storageIncluded: Allowance

    public init(
        month: Month, clinic: ClinicID, subdomain: String?, name: String, plan: String?,
        paymentStatus: PaymentStatus?, users: Int64, maxUsers: Allowance, patients: Int64,
        maxPatients: Allowance, apiCalls: Int64, apiCallsIncluded: Allowance, storageUsed: Int64,
        storageIncluded: Allowance
    ) {
        self.month = month
        self.clinic = clinic
        self.subdomain = subdomain
        self.name = name
        self.plan = plan
        self.paymentStatus = paymentStatus
        self.users = users
        self.maxUsers = maxUsers
        self.patients = patients
        self.maxPatients = maxPatients
        self.apiCalls = apiCalls
        self.apiCallsIncluded = apiCallsIncluded
        self.storageUsed = storageUsed
        self.storageIncluded = storageIncluded
    }
}
