public import Metering

/// Writes the closed counts of a clinic to the ledger at once, because its counter has no space for
/// another one.
public protocol ClosedCountWriter: Sendable {
    /// Whether there is space now. Concurrent callers for one clinic share one answer.
    func settle(_ clinic: ClinicID) async -> Bool
}
