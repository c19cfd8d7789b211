import Counters
import Logging
import Metering
import Quotas
import Synchronization

/// Settles the closed counts of a counter whose ring of them is full, without waiting for the next
/// sweep.
final class ClosedCounts: ClosedCountWriter {
    private let counts: CountSweep
    private let logger: Logger
    private let running = Mutex<[ClinicID: Task<Bool, Never>]>([:])

    init(_ counts: CountSweep, logger: Logger) {
        self.counts = counts
        self.logger = logger
    }

    func settle(_ clinic: ClinicID) async -> Bool {
        let task = running.withLock { running in
            if let task = running[clinic] { return task }
            let task = Task { await settleOnce(clinic) }
            running[clinic] = task
            return task
        }
        return await task.value
    }

    private func settleOnce(_ clinic: ClinicID) async -> Bool {
        defer { running.withLock { $0[clinic] = nil } }
        do {
            _ = try await counts.visit([clinic])
            // Another worker may have settled them meanwhile, and then nothing was left to settle.
            let value = try await counts.counters.values(of: [clinic]).first?.value
            return value?.hasRoomToClose ?? true
        } catch {
            logger.error(
                "closed counts could not be settled",
                metadata: ["clinic": "\(clinic)", "error": "\(error)"])
            return false
        }
    }
}
