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
    /// A word of `PaymentStatus`, or one that this program does not know; nil without a
    /// subscription.
    public var paymentStatus: String?
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
    public var shares: ReportShares
    /// The most bytes that the clinic held in the month.
    public var storagePeak: Int64
    /// Open rows of `metering.attention` about the clinic, which wait for an operator.
    public var openAttention: Int64
    /// Counters of the clinic that a recount found wrong in the month.
    public var drift: Int64
    /// What there is to look at, as words with a blank between them; nil when there is nothing.
    public var findings: String?

    public init(
        month: Month, clinic: ClinicID, subdomain: String?, name: String, plan: String? = nil,
        paymentStatus: String? = nil, users: Int64 = 0, maxUsers: Allowance = .none,
        patients: Int64 = 0, maxPatients: Allowance = .none, apiCalls: Int64 = 0,
        apiCallsIncluded: Allowance = .none, storageUsed: Int64 = 0,
        storageIncluded: Allowance = .none, shares: ReportShares = ReportShares(),
        storagePeak: Int64 = 0, openAttention: Int64 = 0, drift: Int64 = 0,
        findings: String? = nil
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
        self.shares = shares
        self.storagePeak = storagePeak
        self.openAttention = openAttention
        self.drift = drift
        self.findings = findings
    }
}
