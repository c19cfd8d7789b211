public import Metering
public import Quotas

/// Where clinics are counted: Redis, or the same rules in memory.
public protocol CounterStore: Sendable {
    /// Decides one request, and counts it when it is allowed and consumes.
    func check(
        _ clinic: ClinicID, _ request: CheckRequest
    ) async throws(QuotaError) -> CounterReply

    /// Decides one request without a task and passes the reply to `completion`, which is called
    /// exactly once, on any thread, and must not block.
    func check(
        _ clinic: ClinicID, _ request: CheckRequest,
        then completion: @escaping @Sendable (Result<CounterReply, QuotaError>) -> Void
    )

    /// Replaces the bounds, quota and limits of a clinic; counts stay.
    func configure(
        _ clinic: ClinicID, _ terms: CounterTerms
    ) async throws(QuotaError) -> CounterReply

    /// Makes a call that its id names.
    func send(_ call: HoldCall, for clinic: ClinicID) async throws(QuotaError) -> HoldReply

    /// Ends the holds whose time has passed, forgets the credits in `done`, and returns the credits
    /// that still wait for PostgreSQL.
    func expireHolds(
        of clinic: ClinicID, _ claim: HoldClaim, done: [WaitingCredit]
    ) async throws(QuotaError) -> (reply: HoldReply, waiting: [WaitingCredit])
}

extension CounterStore {
    /// For a store that can only make a task wait.
    public func check(
        _ clinic: ClinicID, _ request: CheckRequest,
        then completion: @escaping @Sendable (Result<CounterReply, QuotaError>) -> Void
    ) {
        Task {
            do throws(QuotaError) {
                completion(.success(try await check(clinic, request)))
            } catch {
                completion(.failure(error))
            }
        }
    }
}
