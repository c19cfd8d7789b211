public import Metering
public import Quotas

extension Ledger: SettingsSource {
    public func settings(
        of clinic: ClinicID, at now: Int64
    ) async throws(QuotaError) -> ClinicSettings? {
        let found: StoredConfiguration?
        do throws(LedgerError) {
            try await requireClock(near: now)
            found = try await configuration(of: clinic, at: now)
        } catch {
            throw QuotaError(error, of: clinic)
        }
        do throws(PlanError) {
            return try found?.settings()
        } catch {
            throw .plan(clinic, error)
        }
    }

    /// Refuses to choose a month by a clock of Redis that is far from PostgreSQL's: calls would be counted in
    /// a month that has not begun, or is over.
    private func requireClock(near now: Int64) async throws(LedgerError) {
        let own = try await databaseTime()
        let apart = own.subtractingReportingOverflow(now)
        guard !apart.overflow, apart.partialValue.magnitude <= Self.skewMax else {
            throw .outOfRange(
                "the clocks of Redis and PostgreSQL are more than an hour apart; set both right")
        }
    }

    /// An hour, µs. Clocks that are kept by NTP differ by far less; zones do not matter.
    private static let skewMax: UInt64 = 3_600_000_000

    public func raiseVersion(of clinic: ClinicID, above version: Int64) async throws(QuotaError) {
        do throws(LedgerError) {
            try await raiseConfigVersion(of: clinic, above: version)
        } catch .outOfRange {
            // The version comes from the clinic's counter in Redis.
            throw .unreadable(clinic)
        } catch {
            throw QuotaError(error, of: clinic)
        }
    }
}

extension QuotaError {
    /// Only what PostgreSQL itself fails at is PostgreSQL being away.
    fileprivate init(_ error: LedgerError, of clinic: ClinicID) {
        switch error {
        // The month to read is chosen by the clock of Redis.
        case .outOfRange(let what): self = .countersAway(what)
        case .corrupt(let what):
            self = .plan(clinic, PlanError(path: "clinic", problem: "is stored with \(what)"))
        case .store, .unsafeRole, .missingGrant, .schema, .unknownClinic, .tooManyKeys,
            .noSubscription, .unknownPlan, .refused:
            self = .settingsAway("\(error)")
        }
    }
}
