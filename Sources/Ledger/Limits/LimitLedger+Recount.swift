import Metering
import Postgres

extension LimitLedger {
    /// Counts all rows of every clinic again and sets the counters right, each clinic in a
    /// transaction of its own: a session that holds one counter and waits for nothing else delays
    /// no other session.
    ///
    /// - Parameters:
    ///   - rests: After each clinic the recount pauses for this many times as long as it took, so
    ///     that the database has time for other work; 9 leaves nine tenths of the time to others.
    ///   - body: Receives what was wrong with a clinic, and how far the recount is.
    @discardableResult
    public func recount(
        rests: Int = 0,
        _ body: (_ drift: [CounterDrift], _ progress: RecountOutcome) throws -> Void = { _, _ in }
    ) async throws(LedgerError) -> RecountOutcome {
        try await stored {
            var (last, outcome) = (ClinicID.lowest, RecountOutcome())
            while true {
                let batch = try await pool.query(
                    SQL.recountClinics, [.clinic(last), .count(Self.clinicsPerBatch)]
                ).map { try $0.clinic("clinic_id") }
                guard let end = batch.last else { break }
                for clinic in batch {
                    let start = ContinuousClock.now
                    let drift = try await recount(clinic)
                    outcome.clinics += 1
                    outcome.skipped += drift == nil ? 1 : 0
                    try body(drift ?? [], outcome)
                    // Waiting for a counter that another session holds is no work to rest from.
                    if rests > 0, drift != nil {
                        try await Task.sleep(for: (.now - start) * rests)
                    }
                }
                last = end
            }
            return outcome
        }
    }

    /// nil when another transaction held the counter for too long.
    private func recount(_ clinic: ClinicID) async throws -> [CounterDrift]? {
        do {
            return try await pool.query(
                SQL.recountCounters, [.clinics([clinic])], timeout: .seconds(120)
            ).map(CounterDrift.init)
        } catch PostgresError.server(let error) where error.sqlState == .lockNotAvailable {
            return nil
        }
    }

    /// Whether the last recount started more than a day ago.
    public func isRecountDue() async throws(LedgerError) -> Bool {
        try await stored { try await pool.query(SQL.recountDue).first?.bool("is_due") ?? false }
    }

    private static let clinicsPerBatch = 100
}
