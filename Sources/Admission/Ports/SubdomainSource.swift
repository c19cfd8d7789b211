public import Metering
public import Quotas

/// Where subdomains are known: PostgreSQL.
public protocol SubdomainSource: Sendable {
    /// The clinics of those subdomains that have one.
    func clinics(under subdomains: [String]) async throws(QuotaError) -> [String: ClinicID]
}
