import Admission
import Counters
import Logging
import Metering
import Quotas

/// Makes room in a counter whose ring of closed counts is full, without waiting for the next sweep.
final class ClosedCounts: ClosedCountWriter {
    private let sweep: Sweep
    private let logger: Logger
    private let settling = SingleFlight<ClinicID, Bool>()

    /// - Parameter sweep: Without a gate: only the counts of the clinic are written and settled.
    init(sweep: Sweep, logger: Logger) {
        self.sweep = sweep
        self.logger = logger
    }

    func settle(_ clinic: ClinicID) async -> Bool {
        await settling.join(clinic) { await self.settleOnce(clinic) }?.value ?? false
    }

    private func settleOnce(_ clinic: ClinicID) async -> Bool {
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
