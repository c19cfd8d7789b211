import Counters
import Logging
import Metering
import Quotas
import Synchronization

/// Makes room in a counter whose ring of closed counts is full, without waiting for the next sweep.
final class ClosedCounts: ClosedCountWriter {
    private let sweep: Sweep
    private let logger: Logger
    private let running = Mutex<[ClinicID: Task<Bool, Never>]>([:])

    /// - Parameter sweep: Without a gate: only the counts of the clinic are written and settled.
    init(sweep: Sweep, logger: Logger) {
        self.sweep = sweep
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
            _ = try await sweep.visit([clinic])
            // Another worker may have made the room meanwhile, and then there was nothing to settle.
            let value = try await sweep.counters.values(of: [clinic]).first?.value
            return value?.hasRoomToClose ?? true
        } catch {
            logger.error(
                "closed counts could not be settled",
                metadata: ["clinic": "\(clinic)", "error": "\(error)"])
            return false
        }
    }
}
