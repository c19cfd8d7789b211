public import Metering

/// One check of one clinic, as a caller makes it.
public struct Check: Hashable, Sendable {
    public var clinic: ClinicID
    /// Name of the limit that applies.
    public var limit: String
    /// Units, 1…1,000,000.
    public var cost: Int64
    public var mode: CheckRequest.Mode
    /// Whether the call changes something; a suspended clinic may only read.
    public var writes: Bool

    public init(
        _ clinic: ClinicID, limit: String = LimitID.defaultName, cost: Int64 = 1,
        mode: CheckRequest.Mode = .consume, writes: Bool = false
    ) {
        self.clinic = clinic
        self.limit = limit
        self.cost = cost
        self.mode = mode
        self.writes = writes
    }
}
