import Admission
import Counters
import Logging
import Metering
import Quotas

/// Settles the closed counts of a counter whose ring of them is full, without waiting for the next
/// sweep.
final class ClosedCounts: ClosedCountWriter {
    private let counts: CountSweep
    private let logger: Logger
    private let settling = SingleFlight<ClinicID, Bool>()

    init(_ counts: CountSweep, logger: Logger) {
        self.counts = counts
        self.logger = logger
    }

    func settle(_ clinic: ClinicID) async -> Bool {
        await settling.join(clinic) { await self.settleOnce(clinic) }?.value ?? false
    }

    private func settleOnce(_ clinic: ClinicID) async -> Bool {
        do {
            _ = try await counts.visit([clinic])
            // Another worker may have settled them meanwhile.
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
