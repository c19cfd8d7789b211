public import Admission
public import Metering
public import Quotas

extension ClinicLedger: TermsSource {
    public func terms(
        of clinic: ClinicID, at now: Int64
    ) async throws(QuotaError) -> ClinicTerms? {
        try await answer(for: clinic) { () throws(LedgerError) in try await requireClock(near: now)
        }
        // A refused version makes way for the one before it; more than a few in a row are not
        // normal.
        for _ in 0..<Self.refusalsMax {
            let found = try await answer(for: clinic) { () throws(LedgerError) in
                try await storedTerms(of: clinic, at: now)
            }
            guard let found else { return nil }
            let features: PlanFeatures?
            do throws(PlanError) { features = try found.plan?.read() } catch {
                guard let plan = found.plan, let version = plan.version else {
                    throw .plan(clinic, error)
                }
                try await answer(for: clinic) { () throws(LedgerError) in
                    try await PlanLedger(pool: pool).refuse(
                        plan.id, version: version, because: error)
                }
                continue
            }
            do throws(PlanError) { return try found.terms(under: features) } catch {
                throw .plan(clinic, error)
            }
        }
        throw .unsteady(clinic)
    }

    /// The terms of many clinics in one query. Leaves out clinics that are unknown, and those whose
    /// plan or standing cannot be read; `terms` says why.
    ///
    /// - Parameter clinics: At most 10,000, each once.
    public func readyTerms(
        of clinics: [ClinicID], at now: Int64
    ) async throws(LedgerError) -> [ClinicID: ClinicTerms] {
        try await requireClock(near: now)
        let found = try await storedTerms(of: clinics, at: now)
        var ready: [ClinicID: ClinicTerms] = [:]
        for stored in found { ready[stored.clinic] = try? stored.terms() }
        return ready
    }

    @discardableResult
    private func answer<R>(
        for clinic: ClinicID, _ body: () async throws(LedgerError) -> R
    ) async throws(QuotaError) -> R {
        do throws(LedgerError) { return try await body() } catch {
            throw QuotaError(error, of: clinic)
        }
    }

    private static let refusalsMax = 20

    /// Refuses to choose a month by a clock of Redis that is far from PostgreSQL's: calls would be
    /// counted in a month that has not begun, or is over.
    private func requireClock(near now: Int64) async throws(LedgerError) {
        let own = try await OperationsLedger(pool: pool).databaseTime()
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
            try await raiseTermsVersion(of: clinic, above: version)
        } catch .outOfRange {
            // The version comes from the clinic's counter in Redis.
            throw .unreadable(clinic)
        } catch {
            throw QuotaError(error, of: clinic)
        }
    }
}

extension QuotaError {
    /// Only failures of PostgreSQL itself count as an outage of PostgreSQL.
    fileprivate init(_ error: LedgerError, of clinic: ClinicID) {
        switch error {
        // The month to read is chosen by the clock of Redis.
        case .outOfRange(let what): self = .countersUnavailable(what)
        case .corrupt(let what):
            self = .plan(clinic, PlanError(path: "clinic", problem: "is stored with \(what)"))
        case .store, .unsafeRole, .missingGrant, .schema, .otherSchema, .unfinishedSchema,
            .unknownClinic, .tooManyKeys, .noSubscription, .unknownPlan, .ambiguousPlan, .refused:
            self = .termsUnavailable("\(error)")
        }
    }
}
