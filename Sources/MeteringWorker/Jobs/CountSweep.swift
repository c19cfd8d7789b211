import Counters
import Ledger
import Metering
import Quotas

/// Writes the counts of Redis to the ledger, and settles the closed counts that the ledger
/// confirms. It is idempotent, and may run twice at once.
struct CountSweep: Sendable {
    let counters: RedisCounterStore
    let ledger: Ledger
    let plausibility: MarkPlausibility

    func visit(_ clinics: [ClinicID]) async throws -> CountedBatch {
        let now = try await counters.now()
        let values = try await counters.values(of: clinics)
        let rows = try await believed(values, now: now)
        let kept = try await ledger.usage.checkpoint(rows)
        let confirmed = Set(kept.confirmed.map(\.key))
        var outcome = SweepOutcome()
        outcome.clinics = clinics.count
        outcome.held = values.count { $0.value != nil }
        outcome.written = kept.written
        outcome.settled = try await settle(values, confirmed)
        return CountedBatch(readAt: now, values: values, confirmed: confirmed, outcome: outcome)
    }

    /// Counts of the values as rows of the ledger. Counts that traffic cannot explain go to
    /// quarantine.
    private func believed(
        _ values: [(clinic: ClinicID, value: CounterValue?)], now: Int64
    ) async throws -> [UsageCheckpoint] {
        var rows: [UsageCheckpoint] = []
        var refused: [UsageCheckpoint] = []
        for (clinic, value) in values {
            for mark in value?.marks(seenAt: now) ?? [] {
                guard let row = mark.checkpoint(of: clinic) else { continue }
                let pace = MarkPlausibility.Pace((value?.limits ?? []).map(\.limit))
                if plausibility.accepts(mark, after: nil, pace: pace) {
                    rows.append(row)
                } else {
                    refused.append(row)
                }
            }
        }
        if !refused.isEmpty {
            try await ledger.usage.quarantine(
                refused, reason: "found in Redis and cannot be true")
        }
        return rows
    }

    /// Returns how many counts Redis may drop now.
    private func settle(
        _ values: [(clinic: ClinicID, value: CounterValue?)], _ confirmed: Set<UsageCheckpoint.Key>
    ) async throws -> Int64 {
        var settled: Int64 = 0
        for (clinic, value) in values {
            let closed = (value?.closed ?? []).filter { entry in
                guard !entry.isSettled, let month = Month(containing: entry.period) else {
                    return false
                }
                return confirmed.contains(
                    UsageCheckpoint.Key(month: month, clinic: clinic, epoch: entry.epoch))
            }
            settled += try await counters.settle(clinic, closed)
        }
        return settled
    }
}

extension CounterValue {
    /// Every count of the value as a mark: the running one and the closed ones.
    fileprivate func marks(seenAt now: Int64) -> [Mark] {
        let running = Closed(period: period, epoch: epoch, used: used, credited: credited)
        return (closed + [running]).filter { $0.used > 0 || $0.credited > 0 }.map {
            Mark(
                period: $0.period, epoch: $0.epoch, used: $0.used, credited: $0.credited,
                configVersion: version, seenAt: now)
        }
    }
}
