public import Metering
public import Quotas
import Synchronization

/// Units that were admitted during an outage of Redis, kept in memory until Redis counts them.
///
/// This is the journal of a process that has neither PostgreSQL nor a disk, so the units are lost
/// with the process. It holds a bounded number of clinics and refuses one more, because eviction
/// would lose units that were admitted.
public final class OwedUnits: UsageJournal {
    private struct Debt: Sendable {
        let clinic: ClinicID
        let units: Int64
        /// One id for all attempts, so that one whose reply was lost is not counted again.
        let id = CallID.random()
        var firstTriedAt: ContinuousClock.Instant?
    }

    private struct State {
        /// Not sent yet.
        var owed: [ClinicID: Int64] = [:]
        /// Sent to Redis, or about to be, and sent again until there is a reply.
        var tried: [CallID: Debt] = [:]
        var dropped: Int64 = 0

        /// Gives up what Redis may have counted under an id that it forgets soon.
        mutating func dropExpired(at now: ContinuousClock.Instant) {
            for (id, debt) in tried {
                guard let since = debt.firstTriedAt, now - since > OwedUnits.triesFor
                else { continue }
                dropped += debt.units
                tried[id] = nil
            }
        }

        /// Turns what is owed into debts that fit into one call each.
        mutating func splitOwed() {
            for (clinic, units) in owed {
                for start in stride(from: 0, to: units, by: Int(OwedUnits.partMax)) {
                    let part = Debt(clinic: clinic, units: min(units - start, OwedUnits.partMax))
                    tried[part.id] = part
                }
            }
            owed.removeAll()
        }

        mutating func noteAttempt(of id: CallID) {
            if tried[id]?.firstTriedAt == nil { tried[id]?.firstTriedAt = .now }
        }
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

    /// Units that were given up, because for an hour no reply said whether Redis counted them.
    public var dropped: Int64 { state.withLock { $0.dropped } }

    /// Counts the owed units through a gate whose counter is back.
    ///
    /// - Throws: What kept some of it from being counted; it stays owed.
    public func count(through gate: QuotaGate) async throws(QuotaError) {
        var failure: QuotaError?
        let debts = state.withLock { state in
            state.dropExpired(at: .now)
            state.splitOwed()
            return Array(state.tried.values)
        }
        for debt in debts {
            state.withLock { $0.noteAttempt(of: debt.id) }
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
}
