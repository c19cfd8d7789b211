/// What a sweep found and did.
struct SweepOutcome: Hashable, Sendable {
    var clinics = 0
    /// Clinics whose counter Redis holds.
    var held = 0
    /// Rows of the ledger that rose.
    var written = 0
    /// Closed counts that Redis may drop now.
    var settled: Int64 = 0
    /// Counters that were updated from PostgreSQL.
    var renewed = 0
    /// Counters of deleted clinics that were removed.
    var forgotten = 0
    /// Clinics that could not be renewed; the next sweep tries again.
    var failures = 0
    /// Whether every clinic was visited. False when the process started to shut down before.
    var isComplete = false

    static func += (sum: inout SweepOutcome, batch: SweepOutcome) {
        sum.clinics += batch.clinics
        sum.held += batch.held
        sum.written += batch.written
        sum.settled += batch.settled
        sum.renewed += batch.renewed
        sum.forgotten += batch.forgotten
        sum.failures += batch.failures
    }
}
