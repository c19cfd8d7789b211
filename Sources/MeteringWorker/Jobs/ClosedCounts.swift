import Counters
import Logging
import Metering
import Quotas
import Synchronization

/// Makes room in a counter whose ring of closed counts is full, without waiting for the next sweep.
final class ClosedCounts: ClosedCountSettler {
    private let sweep: Sweep
    private let logger: Logger
    private let busy = Mutex<Set<ClinicID>>([])

    /// - Parameter sweep: Without a gate: only the counts of the clinic are written and settled.
    init(sweep: Sweep, logger: Logger) {
        self.sweep = sweep
        self.logger = logger
    }

    func settle(_ clinic: ClinicID) async -> Bool {
        guard busy.withLock({ $0.insert(clinic).inserted }) else { return false }
        defer { busy.withLock { _ = $0.remove(clinic) } }
        do {
            return try await sweep.visit([clinic]).settled > 0
        } catch {
            logger.error(
                "closed counts could not be settled",
                metadata: ["clinic": "\(clinic)", "error": "\(error)"])
            return false
        }
    }
}
