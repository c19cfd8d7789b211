import Admission
import Counters
import Ledger
import Metering
import Quotas

/// Updates the counters in Redis from PostgreSQL: ends holds whose time has passed,
/// renews counters that lag or lead, and removes those of deleted clinics. May be repeated, and may
/// run twice at once.
struct CounterUpkeep: Sendable {
    let counters: RedisCounterStore
    let ledger: Ledger
    let gate: QuotaGate
    let keeper: HoldKeeper

    /// - Returns: What this added to the batch: renewed, forgotten and failed.
    func visit(_ batch: CountedBatch) async throws -> SweepOutcome {
        var outcome = SweepOutcome()
        try await endHolds(of: batch, &outcome)
        try await renew(batch, &outcome)
        return outcome
    }

    private func endHolds(of batch: CountedBatch, _ outcome: inout SweepOutcome) async throws {
        let held = batch.values.filter { $0.value != nil }.map(\.clinic)
        for clinic in try await counters.holders(among: held) {
            do {
                try await keeper.keep(clinic)
            } catch {
                outcome.failures += 1
            }
        }
    }
}

// MARK: Renewing

extension CounterUpkeep {
    private func renew(_ batch: CountedBatch, _ outcome: inout SweepOutcome) async throws {
        let now = batch.readAt
        let stored = try await ledger.clinics.storedTerms(of: batch.values.map(\.clinic), at: now)
        let known = Dictionary(stored.map { ($0.clinic, $0) }, uniquingKeysWith: { $1 })
        for (clinic, value) in batch.values {
            guard let wanted = known[clinic] else {
                if let value { try await end(clinic, value, batch, &outcome) }
                continue
            }
            if let terms = try? wanted.terms() {
                gate.learn(terms, of: clinic)
                if let value { noteLoss(of: clinic, value, terms, at: now) }
            }
            guard wanted.differs(from: value, at: now) else { continue }
            do throws(QuotaError) {
                try await gate.refresh(clinic, at: now, epoch: value?.epoch ?? .none)
                outcome.renewed += 1
            } catch {
                outcome.failures += 1
            }
        }
    }

    /// The ledger knows more of the running count than Redis holds: Redis went back, and the next
    /// check, which passes this mark, makes it notice.
    private func noteLoss(
        of clinic: ClinicID, _ value: CounterValue, _ wanted: ClinicTerms, at now: Int64
    ) {
        let running = Mark(
            period: value.period, epoch: value.epoch, used: value.used, credited: value.credited,
            configVersion: value.version, seenAt: now)
        let highest = wanted.highest(running)
        guard highest != running else { return }
        gate.marks.record(highest, of: clinic)
    }

    /// The clinic is gone from PostgreSQL. First Redis stops counting for it, then its counter
    /// goes.
    private func end(
        _ clinic: ClinicID, _ value: CounterValue, _ batch: CountedBatch,
        _ outcome: inout SweepOutcome
    ) async throws {
        guard value.flags.access != .gone else {
            return try await forget(clinic, value, batch.confirmed, &outcome)
        }
        do throws(QuotaError) {
            try await gate.refresh(clinic, at: batch.readAt, epoch: value.epoch)
        } catch {
            outcome.failures += 1
        }
    }

    /// Once the counts of a deleted clinic are in the ledger, Redis may drop them. A count in
    /// quarantine stays in Redis until an operator has reviewed it.
    private func forget(
        _ clinic: ClinicID, _ value: CounterValue, _ confirmed: Set<UsageCheckpoint.Key>,
        _ outcome: inout SweepOutcome
    ) async throws {
        guard let month = Month(containing: value.period) else { return }
        let key = UsageCheckpoint.Key(month: month, clinic: clinic, epoch: value.epoch)
        let isEmpty = value.used == 0 && value.credited == 0
        guard isEmpty || confirmed.contains(key) else { return }
        let running = CounterValue.Closed(
            period: value.period, epoch: value.epoch, used: value.used, credited: value.credited)
        if try await counters.forget(clinic, confirmed: running) { outcome.forgotten += 1 }
    }
}

extension StoredTerms {
    /// Whether a counter has to be renewed: it lags or leads, its next month starts soon and is
    /// unknown, or what other epochs counted has changed. A clinic that called this month is also
    /// written to a Redis that lost it.
    fileprivate func differs(from value: CounterValue?, at now: Int64) -> Bool {
        guard let value else { return !ledger.isEmpty }
        let endsSoon = now > value.periodEnd - CounterTerms.foresight
        if value.version != version || now >= value.periodEnd
            || (endsSoon && value.nextPeriodEnd == 0)
        {
            return true
        }
        guard value.period == month.start else { return false }
        let elsewhere = ledger.filter { $0.key != value.epoch }.values.reduce(adjustments, &+)
        return elsewhere > value.base
            || (elsewhere < value.base && value.closed.allSatisfy(\.isSettled))
    }
}
