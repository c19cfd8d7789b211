public import Metering
public import Quotas

/// Brings clinics from PostgreSQL to the counter store for a process without PostgreSQL: a worker.
public protocol ClinicProvider: Sendable {
    /// Makes the store hold the clinic; false when there is no such clinic. Ends by its own
    /// deadline.
    func provide(_ clinic: ClinicID) async throws(QuotaError) -> Bool
}
