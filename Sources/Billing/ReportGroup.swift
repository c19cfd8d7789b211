/// Clinics of one month that have a plan or a status in common, summed. Fields in the order of the
/// report.
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
