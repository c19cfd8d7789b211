import Admission
import Counters
import Ledger
import Metering
import Quotas
import ServiceLifecycle

/// What a sweep found and did.
struct SweepOutcome: Hashable, Sendable {
    var clinics = 0
    /// Clinics whose counter Redis holds.
    var held = 0
    /// Rows of the ledger that rose.
    var written = 0
    /// Closed counts that Redis may drop now.
    var settled: Int64 = 0
    /// Counters that were brought up to what PostgreSQL says.
    var renewed = 0
    /// Counters of deleted clinics that were removed.
    var forgotten = 0
    /// Clinics that could not be renewed; the next sweep tries again.
    var failures = 0
    /// Whether every clinic was visited; not so when the process is to end.
    var isComplete = false

    static func += (sum: inout SweepOutcome, page: SweepOutcome) {
        sum.clinics += page.clinics
        sum.held += page.held
        sum.written += page.written
        sum.settled += page.settled
        sum.renewed += page.renewed
        sum.forgotten += page.forgotten
        sum.failures += page.failures
    }
}

/// Visits every clinic: what Redis counted goes to the ledger, closed counts are settled, and with a gate
/// counters that lag behind PostgreSQL are renewed. Plain reads; safe to repeat and to run twice at once.
struct Sweep: Sendable {
    let counters: RedisCounterStore
    let ledger: Ledger
    var plausibility = MarkPlausibility(perSecond: 50_000)
    var gate: QuotaGate?
    var checkpointer: Checkpointer?

    /// Clinics on a page, and pages that are worked on side by side.
    var clinicsAtOnce = 500
    var pagesAtOnce = 1

    /// - Returns: What was done so far when the process is to end: the last checkpoint must not wait for it.
    func run() async throws -> SweepOutcome {
        try await withThrowingTaskGroup(of: SweepOutcome.self) { group in
            var outcome = SweepOutcome()
            var last: ClinicID?
            var running = 0
            while !Task.isShuttingDownGracefully {
                let page = try await ledger.knownClinics(after: last, limit: clinicsAtOnce)
                guard let end = page.last else {
                    outcome.isComplete = true
                    break
                }
                if running == pagesAtOnce, let done = try await group.next() {
                    outcome += done
                    running -= 1
                }
                group.addTask { try await visit(page) }
                running += 1
                last = end
            }
            for try await done in group { outcome += done }
            return outcome
        }
    }

    /// One page of clinics.
    func visit(_ page: [ClinicID]) async throws -> SweepOutcome {
        var outcome = SweepOutcome()
        let now = try await counters.now()
        let values = try await counters.values(of: page)
        outcome.clinics += page.count
        outcome.held += values.count { $0.value != nil }

        let rows = try await believed(values, now: now)
        let kept = try await ledger.checkpoint(rows)
        let confirmed = Set(kept.confirmed.map(\.key))
        outcome.written += kept.written
        try await settle(values, confirmed, &outcome)
        guard let gate else { return outcome }
        let keeper = HoldKeeper(gate: gate, ledger: ledger, checkpointer: checkpointer)
        let held = values.filter { $0.value != nil }.map(\.clinic)
        for clinic in try await counters.holders(among: held) {
            do {
                try await keeper.keep(clinic)
            } catch {
                outcome.failures += 1
            }
        }
        try await renew(values, confirmed, at: now, through: gate, &outcome)
        return outcome
    }

    /// Counts of the values as rows of the ledger; those that traffic cannot explain go to quarantine.
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
            try await ledger.quarantine(refused, reason: "found in Redis and cannot be true")
        }
        return rows
    }

    private func settle(
        _ values: [(clinic: ClinicID, value: CounterValue?)], _ confirmed: Set<UsageCheckpoint.Key>,
        _ outcome: inout SweepOutcome
    ) async throws {
        for (clinic, value) in values {
            let closed = (value?.closed ?? []).filter { entry in
                guard !entry.isSettled, let month = Month(containing: entry.period) else {
                    return false
                }
                return confirmed.contains(
                    UsageCheckpoint.Key(month: month, clinic: clinic, epoch: entry.epoch))
            }
            outcome.settled += try await counters.settle(clinic, closed)
        }
    }
}

// MARK: Renewing

extension Sweep {
    private func renew(
        _ values: [(clinic: ClinicID, value: CounterValue?)], _ confirmed: Set<UsageCheckpoint.Key>,
        at now: Int64, through gate: QuotaGate, _ outcome: inout SweepOutcome
    ) async throws {
        let stored = try await ledger.configurations(of: values.map(\.clinic), at: now)
        let known = Dictionary(stored.map { ($0.clinic, $0) }, uniquingKeysWith: { $1 })
        for (clinic, value) in values {
            guard let wanted = known[clinic] else {
                if let value { try await end(clinic, value, confirmed, at: now, gate, &outcome) }
                continue
            }
            if let settings = try? wanted.settings() {
                gate.learn(settings, of: clinic)
                if let value { noteLoss(of: clinic, value, settings, at: now, gate) }
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

    /// The ledger knows more of the running count than Redis holds: Redis went back, and the next check, which
    /// passes this mark, makes it notice.
    private func noteLoss(
        of clinic: ClinicID, _ value: CounterValue, _ wanted: ClinicTerms, at now: Int64,
        _ gate: QuotaGate
    ) {
        let running = Mark(
            period: value.period, epoch: value.epoch, used: value.used, credited: value.credited,
            configVersion: value.version, seenAt: now)
        let highest = wanted.highest(running)
        guard highest != running else { return }
        gate.marks.record(highest, of: clinic)
    }

    /// The clinic is gone from PostgreSQL: first nothing may be counted any more, then its counter goes.
    private func end(
        _ clinic: ClinicID, _ value: CounterValue, _ confirmed: Set<UsageCheckpoint.Key>,
        at now: Int64, _ gate: QuotaGate, _ outcome: inout SweepOutcome
    ) async throws {
        guard value.flags.access != .gone else {
            return try await forget(clinic, value, confirmed, &outcome)
        }
        do throws(QuotaError) {
            try await gate.refresh(clinic, at: now, epoch: value.epoch)
        } catch {
            outcome.failures += 1
        }
    }

    /// The clinic is gone from PostgreSQL: once its counts are in the ledger, Redis may forget it. A count that
    /// is in quarantine stays in Redis too, until somebody has looked at it.
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

extension CounterValue {
    /// Every count of the value as a mark: the running one and the closed ones.
    func marks(seenAt now: Int64) -> [Mark] {
        let running = Closed(period: period, epoch: epoch, used: used, credited: credited)
        return (closed + [running]).filter { $0.used > 0 || $0.credited > 0 }.map {
            Mark(
                period: $0.period, epoch: $0.epoch, used: $0.used, credited: $0.credited,
                configVersion: version, seenAt: now)
        }
    }
}

extension StoredConfiguration {
    /// Whether a counter has to be renewed: it lags or leads, its next month begins soon and is unknown, or what other epochs
    /// counted has changed. A clinic that called this month is also brought to a Redis that lost it.
    func differs(from value: CounterValue?, at now: Int64) -> Bool {
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
