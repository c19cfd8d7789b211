public import Metering
public import Quotas

/// Where the capacity of clinics is known: PostgreSQL.
public protocol CapacitySource: Sendable {
    /// The capacities of those clinics that exist.
    func capacities(of clinics: [ClinicID]) async throws(QuotaError) -> [ClinicID: ClinicCapacity]
}
