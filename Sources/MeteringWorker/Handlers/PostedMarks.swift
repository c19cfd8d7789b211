import Ledger
import Metering
import Quotas
import Synchronization

/// Writes the counts that direct clients of Redis saw to the ledger, as far as traffic can explain
/// them.
///
/// A client names clinic, month, epoch and counts, and could name any. So what it moves, up by
/// `used` or down by `credited`, under whatever epochs, comes from one allowance for each clinic: a
/// minute of the fastest traffic and one burst at first, then as fast as a clinic can count. With
/// 50,000 a second no key raises a clinic's bill by more than 4,000,000 units at once, nor by more
/// than 50,000 a second after that, through one worker. What is more goes to quarantine.
final class PostedMarks: Sendable {
    enum Verdict: String, Sendable {
        case accepted
        /// There is no such clinic, or the key may not see it.
        case unknownClinic = "unknown-clinic"
        /// Neither this month nor the one before, or seen outside of it.
        case otherTime = "other-time"
        /// More than traffic can explain: kept in quarantine.
        case implausible
        /// The ledger itself refuses it: kept in quarantine.
        case notTaken = "not-taken"
    }

    struct Allowance: Hashable, Sendable {
        /// Units left at `at`.
        var units: Int64
        /// µs since 1970.
        var at: Int64
    }

    private let perSecond: Int64
    private let clinicsMax: Int
    private let allowances = Mutex<[ClinicID: Allowance]>([:])

    /// The most by which clocks may differ, µs.
    static let skew: Int64 = 300_000_000

    init(perSecond: Int64, clinicsMax: Int = 100_000) {
        (self.perSecond, self.clinicsMax) = (max(1, perSecond), clinicsMax)
    }

    /// One verdict for each mark, in their order.
    func take(
        _ marks: [MarksCall.Posted], for owner: KeyOwner, into ledger: Ledger
    ) async throws(LedgerError) -> [Verdict] {
        let now = try await ledger.operations.databaseTime()
        let clinics = Set(marks.map(\.clinic)).filter { owner.maySee($0) }
        let known = Dictionary(
            try await ledger.clinics.storedTerms(of: Array(clinics), at: now).map {
                ($0.clinic, $0)
            },
            uniquingKeysWith: { first, _ in first })
        var verdicts: [Verdict] = []
        var rows: [UsageCheckpoint] = []
        for posted in marks {
            if known[posted.clinic] == nil {
                verdicts.append(.unknownClinic)
            } else if let row = Self.row(posted, now: now) {
                verdicts.append(.accepted)
                rows.append(row)
            } else {
                verdicts.append(.otherTime)
            }
        }
        let refused = try await write(UsageCheckpoint.merged(rows), known, now: now, into: ledger)
        for (place, posted) in marks.enumerated() where verdicts[place] == .accepted {
            guard let key = Self.row(posted, now: now)?.key else { continue }
            verdicts[place] = refused[key] ?? .accepted
        }
        return verdicts
    }

    /// Nil for a month that is neither the running one nor the one before, or a time outside of it.
    static func row(_ posted: MarksCall.Posted, now: Int64) -> UsageCheckpoint? {
        guard let row = posted.mark.checkpoint(of: posted.clinic),
            row.month.start == posted.mark.period, let running = Month(containing: now),
            row.month == running || row.month == running.previous,
            (row.month.start...now + skew).contains(row.observedAt)
        else { return nil }
        return row
    }

    /// Writes the plausible marks; returns the others.
    private func write(
        _ rows: [UsageCheckpoint], _ known: [ClinicID: StoredTerms], now: Int64,
        into ledger: Ledger
    ) async throws(LedgerError) -> [UsageCheckpoint.Key: Verdict] {
        guard !rows.isEmpty else { return [:] }
        let held = try await ledger.usage.held(rows.map(\.key))
        var refused: [UsageCheckpoint.Key: Verdict] = [:]
        var believed: [UsageCheckpoint] = []
        for row in rows {
            let before = held[row.key]
            let moved =
                max(0, row.used - (before?.used ?? 0))
                + max(0, row.credited - (before?.credited ?? 0))
            let limits = (try? known[row.clinic]?.terms().plan?.rateLimits) ?? []
            if spend(moved, of: row.clinic, pace: MarkPlausibility.Pace(limits), now: now) {
                believed.append(row)
            } else {
                refused[row.key] = .implausible
            }
        }
        try await ledger.usage.quarantine(
            rows.filter { refused[$0.key] != nil },
            reason: "posted, and more than traffic since the last post explains")
        for entry in try await ledger.usage.checkpoint(believed).quarantined {
            refused[entry.checkpoint.key] = .notTaken
        }
        return refused
    }

    /// Takes units from a clinic's allowance; false, and nothing is taken, when it has fewer left.
    private func spend(
        _ units: Int64, of clinic: ClinicID, pace: MarkPlausibility.Pace, now: Int64
    ) -> Bool {
        guard units > 0 else { return true }
        let rate = min(max(perSecond, pace.perSecond), 1_000_000_000)
        let burst = max(CheckRequest.costs.upperBound, min(pace.burst, 1_000_000_000))
        return allowances.withLock { allowances in
            var allowance = Self.refilled(allowances[clinic], rate: rate, burst: burst, now: now)
            guard units <= allowance.units else { return false }
            // Beyond the bound no allowance starts again: restarting would be a way to a larger
            // one.
            guard allowances[clinic] != nil || allowances.count < clinicsMax else { return false }
            allowance.units -= units
            allowances[clinic] = allowance
            return true
        }
    }

    /// 50,000 a second and a burst of 1,000,000: 4,000,000 units at first and at most; 2 s after it
    /// was empty, 100,000.
    ///
    /// - Parameters:
    ///   - rate: Units a second, 1…10^9.
    ///   - burst: Units, 0…10^9.
    static func refilled(
        _ allowance: Allowance?, rate: Int64, burst: Int64, now: Int64
    ) -> Allowance {
        let most = rate * 60 + burst
        guard let allowance else { return Allowance(units: most, at: now) }
        // More than a day fills every allowance.
        let elapsed = min(max(0, now - allowance.at), 86_400_000_000)
        let gained = elapsed / 1_000 * rate / 1_000
        guard gained > 0 else { return allowance }
        return Allowance(units: min(most, allowance.units + gained), at: now)
    }
}
