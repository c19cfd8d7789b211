public import Metering
public import Quotas
import Synchronization

/// Units that were admitted during an outage of Redis, kept in memory until Redis counts them: the
/// journal of a process that has neither PostgreSQL nor a disk. They are lost with the process.
///
/// Bounded: a clinic beyond the bound is refused, because eviction would lose units that were
/// admitted.
public final class OwedUnits: UsageJournal {
    private struct Debt: Sendable {
        let clinic: ClinicID
        let units: Int64
        /// One id for all tries, so that a try whose reply was lost is not counted again.
        let id = CallID.random()
        /// When it was first tried.
        var since: ContinuousClock.Instant?
    }

    private struct State {
        var owed: [ClinicID: Int64] = [:]
        /// Sent to Redis, or about to be, and sent again until there is a reply.
        var tried: [CallID: Debt] = [:]
        var dropped: Int64 = 0
    }

    private let state = Mutex(State())
    private let clinicsMax: Int
    /// Redis remembers ids for two hours; what could not be counted in one might be counted twice
    /// later.
    private static let triesFor = Duration.seconds(3_600)
    private static let partMax = CheckRequest.costs.upperBound

    public init(clinicsMax: Int = 100_000) { self.clinicsMax = clinicsMax }

    public func append(_ clinic: ClinicID, _ month: Month, units: Int64) -> Bool {
        state.withLock { state in
            guard state.owed[clinic] != nil || state.owed.count < clinicsMax else { return false }
            let (sum, overflow) = (state.owed[clinic] ?? 0).addingReportingOverflow(units)
            guard !overflow else { return false }
            state.owed[clinic] = sum
            return true
        }
    }

    /// Units that wait to be counted.
    public var waiting: Int64 {
        state.withLock { state in
            state.owed.values.reduce(0, &+)
                &+ state.tried.values.reduce(0) { $0 &+ $1.units }
        }
    }

    /// Units that were given up after an hour without a reply that says whether Redis counted them.
    public var dropped: Int64 { state.withLock { $0.dropped } }

    /// Counts the owed units through a gate whose counter is back.
    ///
    /// - Throws: What kept some of it from being counted; it stays owed.
    public func count(through gate: QuotaGate) async throws(QuotaError) {
        var failure: QuotaError?
        for debt in startTries() {
            state.withLock { state in
                if state.tried[debt.id]?.since == nil { state.tried[debt.id]?.since = .now }
            }
            do throws(QuotaError) {
                _ = try await gate.countLate(debt.units, of: debt.clinic, id: debt.id)
                state.withLock { $0.tried[debt.id] = nil }
            } catch {
                failure = error
                // Any other error concerns this clinic alone.
                if error.isStoreUnavailable { break }
            }
        }
        if let failure { throw failure }
    }

    /// Turns all owed units into tries.
    private func startTries() -> [Debt] {
        state.withLock { state in
            let now = ContinuousClock.now
            for (id, debt) in state.tried {
                guard let since = debt.since, now - since > Self.triesFor else { continue }
                state.dropped += debt.units
                state.tried[id] = nil
            }
            for (clinic, units) in state.owed {
                for start in stride(from: 0, to: units, by: Int(Self.partMax)) {
                    let part = Debt(clinic: clinic, units: min(units - start, Self.partMax))
                    state.tried[part.id] = part
                }
            }
            state.owed.removeAll()
            return Array(state.tried.values)
        }
    }
}
