public import Metering
public import Quotas

/// What admission needs from the store that knows the terms of clinics, PostgreSQL.
public protocol TermsSource: Sendable {
    /// Reads a clinic's plan, overrides and standing, and what it used in this month.
    ///
    /// - Parameter now: The clock of the counter store, in µs since 1970. It decides which month is
    ///   this one.
    /// - Returns: The terms; nil when there is no such clinic.
    func terms(of clinic: ClinicID, at now: Int64) async throws(QuotaError) -> ClinicTerms?

    /// Raises the version of a clinic's terms above that of its counter, so that the counter takes
    /// the terms that are sent next.
    ///
    /// - Parameter version: The version that the counter holds.
    func raiseVersion(of clinic: ClinicID, above version: Int64) async throws(QuotaError)
}
