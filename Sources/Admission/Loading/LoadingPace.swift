/// How fast, and how patiently, clinics are brought from PostgreSQL.
public struct LoadingPace: Hashable, Sendable {
    /// The longest that a call waits for a load. The load goes on, within the deadlines of its
    /// stores.
    public var patience: Duration
    /// Lookups in any second of ids that this process has not met and that turn out to be no
    /// clinic.
    public var unknownClinicsPerSecond: Int
    /// How long after its start a process, which has met no clinic yet, looks up every id.
    public var opening: Duration

    public init(
        patience: Duration = .seconds(3), unknownClinicsPerSecond: Int = 10,
        opening: Duration = .zero
    ) {
        self.patience = patience
        self.unknownClinicsPerSecond = unknownClinicsPerSecond
        self.opening = opening
    }
}
