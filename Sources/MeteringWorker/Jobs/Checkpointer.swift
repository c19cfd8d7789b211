import Admission
import Ledger
import Logging
import Metering
import Quotas
import Synchronization

/// Writes the marks of this worker to the ledger.
///
/// Each reply of Redis carries a mark: how much one epoch of a clinic's counter has counted. A mark
/// is a total and only rises, so the highest one is enough, and the worker keeps no other.
/// Every second it takes the open marks, turns each into a row (month, clinic, epoch, used,
/// credited) and raises the ledger's rows to them. A row that comes twice, late or beside another
/// worker's changes nothing: the ledger keeps the maximum. That is why no step here needs a lock, a
/// sequence number or a retry of its own. When a write fails, its marks go back and the next run
/// takes them. When the worker dies, Redis still has the counts and `CountSweep` finds them. When
/// Redis dies, the workers' marks restore its counts. Only when a worker and Redis both die within
/// one interval of this job is anything lost. Redis may also lie, restored from elsewhere or
/// written by hand: a mark that rises faster than traffic can explain goes to quarantine, and is
/// never billed. A count that the ledger confirmed may leave Redis, and no other.
///
/// One run at a time; another one waits for it.
final class Checkpointer: Sendable {
    private let marks: HighWaterMarks
    private let ledger: Ledger
    private let plausibility: MarkPlausibility
    private let logger: Logger
    /// The latest mark of each clinic that traffic explains.
    private let believed: Mutex<BoundedMap<ClinicID, Mark>>
    private let last = Mutex<Task<Int, any Error>?>(nil)

    static let clinicsAtOnce = 10_000

    init(marks: HighWaterMarks, ledger: Ledger, plausibility: MarkPlausibility, logger: Logger) {
        self.marks = marks
        self.ledger = ledger
        self.plausibility = plausibility
        self.logger = logger
        believed = Mutex(BoundedMap(capacity: marks.clinicsMax))
    }

    /// Writes everything that the ledger lacked at the call; returns how many rows it raised.
    ///
    /// Marks that could not be written stay open, and writing one twice changes nothing. When this
    /// returns, every mark recorded before the call is committed, also those that an earlier run
    /// had taken.
    @discardableResult
    func run() async throws -> Int {
        let task = last.withLock { last in
            let task = Task { [last] in
                // If that run failed it put its marks back, and this one takes them.
                _ = await last?.result
                return try await self.writeOpen()
            }
            last = task
            return task
        }
        return try await task.value
    }

    private func writeOpen() async throws -> Int {
        var written = 0
        // Clinics that open meanwhile are the next run's, or under traffic this one would never
        // end.
        var left = marks.openCount
        while left > 0 {
            let taken = marks.takeOpen(limit: min(left, Self.clinicsAtOnce))
            guard !taken.isEmpty else { return written }
            left -= Self.clinicsAtOnce
            do {
                written += try await write(taken)
            } catch {
                marks.putBack(taken)
                throw error
            }
        }
        return written
    }

    private func write(_ taken: [HighWaterMarks.OpenMark]) async throws -> Int {
        var rows: [UsageCheckpoint] = []
        for open in taken {
            guard let row = open.mark.checkpoint(of: open.clinic) else {
                logger.error(
                    "a count names no month and is dropped", metadata: ["clinic": "\(open.clinic)"])
                continue
            }
            guard believes(open) else {
                try await refuse(row)
                continue
            }
            rows.append(row)
        }
        let outcome = try await ledger.usage.checkpoint(rows)
        for refused in outcome.quarantined {
            logger.error(
                "the ledger refused a count, which is now in quarantine",
                metadata: [
                    "clinic": "\(refused.checkpoint.clinic)", "reason": "\(refused.reason)",
                ])
        }
        return outcome.written
    }

    private func believes(_ open: HighWaterMarks.OpenMark) -> Bool {
        believed.withLock { believed in
            let before = believed[open.clinic]
            guard plausibility.accepts(open.mark, after: before, pace: open.pace) else {
                return false
            }
            believed[open.clinic] = open.mark
            return true
        }
    }

    private func refuse(_ row: UsageCheckpoint) async throws {
        let reason = "rises faster than its limits and METERING_MARK_MAX_PER_SECOND admit"
        logger.error(
            "an implausible count is in quarantine",
            metadata: ["clinic": "\(row.clinic)", "reason": "\(reason)"])
        try await ledger.usage.quarantine(row, reason: reason)
    }
}
