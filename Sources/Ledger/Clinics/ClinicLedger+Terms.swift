import Billing
public import Metering
import Postgres
import Quotas

extension ClinicLedger {
    /// What decides a clinic's calls in the month that runs at `redisTime`; nil for an unknown
    /// clinic.
    ///
    /// - Parameter redisTime: The clock that decides which month it is: µs since 1970-01-01 UTC.
    public func storedTerms(
        of clinic: ClinicID, at redisTime: Int64
    ) async throws(LedgerError) -> StoredTerms? {
        try await storedTerms(of: [clinic], at: redisTime).first
    }

    /// What decides the calls of many clinics, in one query; leaves out unknown clinics.
    ///
    /// A plan that cannot be read makes the `terms()` of its clinics throw, and affects no other
    /// clinic.
    /// - Parameter clinics: At most 10,000, each once.
    public func storedTerms(
        of clinics: [ClinicID], at redisTime: Int64
    ) async throws(LedgerError) -> [StoredTerms] {
        guard clinics.count <= 10_000 else {
            throw .outOfRange("the terms of at most 10,000 clinics can be read at once")
        }
        guard let month = Month(containing: redisTime) else {
            throw .outOfRange("the clock of Redis is outside 1970…9999")
        }
        return try await stored {
            let rows = try await pool.query(
                SQL.termsOfClinics, [.clinics(clinics), .month(month)])
            return try rows.map { try StoredTerms($0, month: month) }
        }
    }

    /// Where each number of a clinic's terms comes from; nil when there is no such clinic.
    ///
    /// - Parameter redisTime: The clock that decides which month it is: µs since 1970-01-01 UTC.
    public func provenance(
        of clinic: ClinicID, at redisTime: Int64
    ) async throws(LedgerError) -> TermsProvenance? {
        guard let terms = try await storedTerms(of: clinic, at: redisTime) else {
            return nil
        }
        return TermsProvenance(
            stored: terms, overrides: try await PlanLedger(pool: pool).overrides(of: clinic))
    }

    /// Makes a clinic's version higher than one that Redis holds, and returns it; nil for an
    /// unknown clinic.
    @discardableResult
    public func raiseTermsVersion(
        of clinic: ClinicID, above version: Int64
    ) async throws(LedgerError) -> Int64? {
        guard (0..<Ledger.countMax).contains(version) else {
            throw .outOfRange("a config version is 0 to 2^53 − 2")
        }
        return try await stored {
            let rows = try await pool.query(
                SQL.configVersionRaise, [.clinic(clinic), .int64(version)])
            return try rows.first?.int64("config_version")
        }
    }
}
