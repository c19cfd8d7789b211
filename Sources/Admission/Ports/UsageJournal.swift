public import Metering

/// Keeps units that were admitted while no store could count them, until PostgreSQL has them.
public protocol UsageJournal: Sendable {
    /// Whether the units are kept. The check is answered after this returns, so it must not wait.
    func append(_ clinic: ClinicID, _ month: Month, units: Int64) -> Bool
}
