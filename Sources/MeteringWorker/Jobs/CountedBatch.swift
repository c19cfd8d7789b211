import Metering
import Quotas

/// A batch of clinics after `CountSweep`: what Redis held of each, and which counts the ledger has.
struct CountedBatch: Sendable {
    /// The clock of Redis before the values were read, µs since 1970-01-01 UTC.
    let readAt: Int64
    /// nil for a clinic that Redis does not hold.
    let values: [(clinic: ClinicID, value: CounterValue?)]
    /// The counts that the ledger holds at least as high.
    let confirmed: Set<UsageCheckpoint.Key>
    let outcome: SweepOutcome
}
