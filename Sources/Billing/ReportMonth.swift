public import Metering

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
