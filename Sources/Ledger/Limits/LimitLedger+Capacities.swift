public import Admission
public import Metering
public import Quotas
import Postgres

extension LimitLedger: CapacitySource {
    public func capacities(
        of clinics: [ClinicID]
    ) async throws(QuotaError) -> [ClinicID: ClinicCapacity] {
        do throws(LedgerError) {
            return try await stored {
                let rows = try await pool.query(
                    SQL.capacitiesOfClinics, [.clinics(clinics)], timeout: .seconds(1))
                return Dictionary(
                    try rows.map { (try $0.clinic("clinic_id"), try ClinicCapacity($0)) },
                    uniquingKeysWith: { first, _ in first })
            }
        } catch {
            throw .termsUnavailable("\(error)")
        }
    }
}

extension ClinicCapacity {
    fileprivate init(_ row: PostgresRow) throws {
        self.init(
            users: Share(
                used: try row.int64("users"), limit: try row.optionalInt64("users_limit")),
            patients: Share(
                used: try row.int64("patients"), limit: try row.optionalInt64("patients_limit")),
            storage: Share(
                used: try row.int64("storage"), limit: try row.optionalInt64("storage_limit")),
            isEnforced: try row.bool("enforced"), hasPlan: try row.bool("has_plan"))
    }
}
