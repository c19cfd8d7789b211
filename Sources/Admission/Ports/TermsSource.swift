public import Metering
public import Quotas

/// Where a clinic's plan, standing and ledger are known: PostgreSQL.
public protocol TermsSource: Sendable {
    /// The terms of a clinic; nil when there is no such clinic.
    ///
    /// - Parameter now: The clock of the counter store, µs since 1970. It decides which month runs.
    func terms(of clinic: ClinicID, at now: Int64) async throws(QuotaError) -> ClinicTerms?

    /// Makes the clinic's version higher than `version`, which is the one that its counter holds.
    func raiseVersion(of clinic: ClinicID, above version: Int64) async throws(QuotaError)
}
