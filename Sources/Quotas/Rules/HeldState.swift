/// Everything that Redis holds of a clinic that uses ids and reservations.
public struct HeldState: Hashable, Sendable {
    /// The value at `q:{<clinic>}`.
    public var value: [UInt8]?
    public var holds = ClinicHolds()
    public var seen = SeenIDs()

    public init(value: [UInt8]? = nil) {
        self.value = value
    }
}
