public import Metering

/// A clinic that holds more than its plan allows.
public struct ExceededLimit: Hashable, Sendable {
    public let clinic: ClinicID
    public let subdomain: String?
    public let counter: LimitCounter
    public let used: Int64
    public let limit: Int64
}
