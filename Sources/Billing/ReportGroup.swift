public import Metering

/// Clinics of one month that have a plan or a status in common, summed. Fields in the order of the report.
public struct ReportGroup: Hashable, Sendable {
    /// The plan's name or the word of `payment_status`; nil for clinics without a subscription.
    public var key: String?
    public var clinics: Int64
    public var users: Int64
    public var patients: Int64
    public var apiCalls: Int64
    public var storageUsed: Int64
    public var storagePeak: Int64
    public var findings: ReportFindings

    public init(
        key: String?, clinics: Int64, users: Int64, patients: Int64, apiCalls: Int64,
        storageUsed: Int64, storagePeak: Int64, findings: ReportFindings
    ) {
        self.key = key
        self.clinics = clinics
        self.users = users
        self.patients = patients
        self.apiCalls = apiCalls
        self.storageUsed = storageUsed
        self.storagePeak = storagePeak
        self.findings = findings
    }
}

/// All clinics of one month, summed.
public struct ReportMonth: Hashable, Sendable {
    public var month: Month
    /// With usage or files in the month.
    public var clinics: Int64
    public var apiCalls: Int64
    public var storageUsed: Int64

    public init(month: Month, clinics: Int64, apiCalls: Int64, storageUsed: Int64) {
        self.month = month
        self.clinics = clinics
        self.apiCalls = apiCalls
        self.storageUsed = storageUsed
    }
}

/// How many clinics have something to look at.
public struct ReportFindings: Hashable, Sendable {
    /// Over the plan with users, patients, calls or storage.
    public var overQuota: Int64
    /// `past_due` or `suspended`.
    public var pastDue: Int64
    /// A recount found a counter wrong in the month.
    public var drift: Int64
    /// Open rows in `metering.attention`.
    public var attention: Int64

    public init(
        overQuota: Int64 = 0, pastDue: Int64 = 0, drift: Int64 = 0, attention: Int64 = 0
    ) {
        self.overQuota = overQuota
        self.pastDue = pastDue
        self.drift = drift
        self.attention = attention
    }
}
