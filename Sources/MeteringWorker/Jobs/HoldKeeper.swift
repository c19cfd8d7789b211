import Admission
import Ledger
import Metering
import Quotas

/// Ends reservations whose time has passed. What Redis cannot give back itself, because the count
/// it was used in has left the counter, goes to PostgreSQL. May be repeated, and may run twice at
/// once.
struct HoldKeeper: Sendable {
    let gate: QuotaGate
    let ledger: Ledger
    /// Writes the marks of this worker.
    let checkpointer: Checkpointer

    /// One clinic. Redis forgets what waits only after PostgreSQL has it, and PostgreSQL takes a
    /// key once.
    ///
    /// - Returns: How many holds and refunds PostgreSQL received.
    @discardableResult
    func keep(_ clinic: ClinicID) async throws -> Int {
        guard let waiting = try await gate.expireHolds(of: clinic), !waiting.isEmpty else {
            return 0
        }
        // The ledger gives back no more than it has, so it must have all counts first.
        try await checkpointer.run()
        for credit in waiting {
            guard let name = credit.name, let month = Month(containing: credit.period) else {
                continue
            }
            _ = try await ledger.usage.giveBack(
                credit.units, to: clinic, of: month, key: Self.key(name, of: clinic),
                reason: "given back after its count had left Redis", clamping: true)
        }
        _ = try await gate.expireHolds(of: clinic, done: waiting)
        try await renew(clinic)
        return waiting.count
    }

    /// Units written beside the counter count for the quota at once.
    func renew(_ clinic: ClinicID) async throws(QuotaError) {
        guard let mark = gate.marks.mark(of: clinic) else { return }
        try await gate.refresh(clinic, at: mark.seenAt, epoch: mark.epoch)
    }

    /// The key of an adjustment: `refund:` and the id, then the clinic.
    static func key(_ name: String, of clinic: ClinicID) -> String { "\(name):\(clinic)" }
}
