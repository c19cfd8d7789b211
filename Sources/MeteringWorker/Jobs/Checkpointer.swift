import Ledger
import Logging
import Metering
import Quotas
import Synchronization

/// Writes what this worker saw to the ledger.
final class Checkpointer: Sendable {
    private let marks: MarkBook
    private let ledger: Ledger
    private let plausibility: MarkPlausibility
    private let logger: Logger
    /// The latest mark of each clinic that traffic explains.
    private let believed = Mutex<[ClinicID: Mark]>([:])

    static let clinicsAtOnce = 10_000

    init(marks: MarkBook, ledger: Ledger, plausibility: MarkPlausibility, logger: Logger) {
        self.marks = marks
        self.ledger = ledger
        self.plausibility = plausibility
        self.logger = logger
    }

    /// Writes everything that the ledger lacks; returns how many rows it raised.
    ///
    /// What could not be written stays in the book, and writing it twice changes nothing.
    @discardableResult
    func run() async throws -> Int {
        var written = 0
        while true {
            let taken = marks.takeOpen(limit: Self.clinicsAtOnce)
            guard !taken.isEmpty else { return written }
            do {
                written += try await write(taken)
            } catch {
                marks.putBack(taken)
                throw error
            }
        }
    }

    private func write(_ taken: [(clinic: ClinicID, mark: Mark)]) async throws -> Int {
        var rows: [UsageCheckpoint] = []
        for (clinic, mark) in taken {
            guard let row = mark.checkpoint(of: clinic) else {
                logger.error(
                    "a count names no month and is dropped", metadata: ["clinic": "\(clinic)"])
                continue
            }
            guard believes(mark, of: clinic) else {
                try await refuse(row)
                continue
            }
            rows.append(row)
        }
        let outcome = try await ledger.checkpoint(rows)
        for refused in outcome.quarantined {
            logger.error(
                "a count was refused by the ledger and is in quarantine",
                metadata: [
                    "clinic": "\(refused.checkpoint.clinic)", "reason": "\(refused.reason)",
                ])
        }
        return outcome.written
    }

    private func believes(_ mark: Mark, of clinic: ClinicID) -> Bool {
        believed.withLock { believed in
            guard plausibility.accepts(mark, after: believed[clinic]) else { return false }
            if believed.count >= marks.clinicsMax { believed.removeAll() }
            believed[clinic] = mark
            return true
        }
    }

    private func refuse(_ row: UsageCheckpoint) async throws {
        let reason = "rises faster than \(plausibility.perSecond) units a second"
        logger.error(
            "a count cannot be true and is in quarantine; see METERING_MARK_MAX_PER_SECOND",
            metadata: ["clinic": "\(row.clinic)", "reason": "\(reason)"])
        try await ledger.quarantine(row, reason: reason)
    }
}
