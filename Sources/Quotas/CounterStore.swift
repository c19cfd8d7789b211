public import Metering

/// Where clinics are counted: Redis, or the same rules in memory.
public protocol CounterStore: Sendable {
    /// Decides one request; counts it when it is allowed and consumes.
    func check(
        _ clinic: ClinicID, _ request: CheckRequest
    ) async throws(QuotaError) -> CounterReply

    /// The same without a task; `answer` is called exactly once, on any thread, and must not block.
    func check(
        _ clinic: ClinicID, _ request: CheckRequest,
        then answer: @escaping @Sendable (Result<CounterReply, QuotaError>) -> Void
    )

    /// Replaces bounds, quota and limits of a clinic; counts stay.
    func configure(
        _ clinic: ClinicID, _ configuration: CounterTerms
    ) async throws(QuotaError) -> CounterReply

    /// Answers a call that is told by an id.
    func take(_ clinic: ClinicID, _ call: HoldCall) async throws(QuotaError) -> HoldReply

    /// Ends holds whose time has passed, and forgets what of `done` waited for PostgreSQL; returns what waits.
    func expireHolds(
        of clinic: ClinicID, _ claim: HoldClaim, done: [WaitingCredit]
    ) async throws(QuotaError) -> (reply: HoldReply, waiting: [WaitingCredit])
}

extension CounterStore {
    /// For a store that knows only how to make a task wait.
    public func check(
        _ clinic: ClinicID, _ request: CheckRequest,
        then answer: @escaping @Sendable (Result<CounterReply, QuotaError>) -> Void
    ) {
        Task {
            do throws(QuotaError) {
                answer(.success(try await check(clinic, request)))
            } catch {
                answer(.failure(error))
            }
        }
    }
}

/// Brings the closed counts of a clinic to the ledger at once, because no more fit into its counter.
public protocol ClosedCountWriter: Sendable {
    /// Whether there is room. Who asks while it works on the clinic waits for the same answer.
    func settle(_ clinic: ClinicID) async -> Bool
}

/// Brings clinics from PostgreSQL to the counter store in the place of a process that has none: a worker.
public protocol ClinicProvider: Sendable {
    /// Makes the store hold the clinic; false when there is no such clinic. Ends by a deadline of its own.
    func bring(_ clinic: ClinicID) async throws(QuotaError) -> Bool
}

/// Where clinics come from.
enum TermsOrigin: Sendable {
    case database(any TermsSource)
    case others(any ClinicProvider)

    var isOthers: Bool { if case .others = self { true } else { false } }
}

/// Where a clinic's plan, standing and ledger are known: PostgreSQL.
public protocol TermsSource: Sendable {
    /// - Parameter now: The clock of the counter store, µs since 1970; it decides which month runs.
    /// - Returns: nil when there is no such clinic.
    func terms(
        of clinic: ClinicID, at now: Int64
    ) async throws(QuotaError) -> ClinicTerms?

    /// Makes the clinic's version higher than `version`, because the counter holds that one.
    func raiseVersion(of clinic: ClinicID, above version: Int64) async throws(QuotaError)
}
