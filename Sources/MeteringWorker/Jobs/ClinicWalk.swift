import Ledger
import Metering
import ServiceLifecycle

/// Visits every clinic that ever existed, a batch at a time, in the order of their ids.
struct ClinicWalk: Sendable {
    let ledger: Ledger
    var clinicsPerBatch = 500
    /// Batches in progress at the same time.
    var batchesAtOnce = 1

    /// - Returns: The sum of what `visit` returned. The walk ends early when the process shuts
    ///   down, because the last checkpoint must not wait for it.
    func run(
        _ visit: @escaping @Sendable ([ClinicID]) async throws -> SweepOutcome
    ) async throws -> SweepOutcome {
        try await withThrowingTaskGroup(of: SweepOutcome.self) { group in
            var outcome = SweepOutcome()
            var last: ClinicID?
            var running = 0
            while !Task.isShuttingDownGracefully {
                let batch = try await ledger.clinics.known(after: last, limit: clinicsPerBatch)
                guard let end = batch.last else {
                    outcome.isComplete = true
                    break
                }
                if running == batchesAtOnce, let done = try await group.next() {
                    outcome += done
                    running -= 1
                }
                group.addTask { try await visit(batch) }
                running += 1
                last = end
            }
            for try await done in group { outcome += done }
            return outcome
        }
    }
}
