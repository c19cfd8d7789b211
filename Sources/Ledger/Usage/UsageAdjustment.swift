public import Metering

/// A correction of a month, named so that it counts once.
public struct UsageAdjustment: Hashable, Sendable {
    public let month: Month
    public let clinic: ClinicID
    /// Cost units; below zero gives back.
    public let units: Int64
    /// 1 to 200 characters.
    public let key: String

    public init(month: Month, clinic: ClinicID, units: Int64, key: String) {
        (self.month, self.clinic, self.units, self.key) = (month, clinic, units, key)
    }
}
