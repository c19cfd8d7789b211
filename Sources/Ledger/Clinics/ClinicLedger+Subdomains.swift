public import Admission
public import Metering
import Postgres
public import Quotas

extension ClinicLedger: SubdomainSource {
    public func clinics(
        under subdomains: [String]
    ) async throws(QuotaError) -> [String: ClinicID] {
        do throws(LedgerError) {
            return try await stored {
                let rows = try await pool.query(
                    SQL.clinicsBySubdomain, [.textArray(subdomains)], timeout: .seconds(1))
                return Dictionary(
                    try rows.map { (try $0.text("subdomain"), try $0.clinic("clinic_id")) },
                    uniquingKeysWith: { first, _ in first })
            }
        } catch {
            throw .termsUnavailable("\(error)")
        }
    }
}
