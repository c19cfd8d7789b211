public import Metering
public import Quotas
import Synchronization

/// How often this process denied each clinic, and why. A denial changes no byte in Redis, so only
/// this log counts it: it starts empty with the process, and each process has its own.
///
/// Bounded: the clinic that was denied longest ago makes way for a new one.
public final class DenialLog: Sendable {
    /// One denial, as the caller received it.
    public struct Entry: Hashable, Sendable {
        /// The clock of Redis, µs since 1970.
        public let at: Int64
        public let reason: QuotaDecision.Reason
        /// The limits that denied.
        public let limits: [String]
        public let retryAfter: Duration?
    }

    private struct State {
        /// The last denials of each clinic, the newest last.
        var last = BoundedMap<ClinicID, [Entry]>(capacity: DenialLog.lastClinicsMax)
        var clinics: BoundedMap<ClinicID, [QuotaDecision.Reason: Int64]>
        var all: [QuotaDecision.Reason: Int64] = [:]
    }

    private let state: Mutex<State>

    /// Denials that are kept of one clinic, and clinics of which they are kept.
    public static let lastMax = 16
    public static let lastClinicsMax = 10_000

    /// - Parameter clinicsMax: Clinics whose denials are counted one by one; `all` counts every
    ///   one.
    public init(clinicsMax: Int = 100_000) {
        state = Mutex(State(clinics: BoundedMap(capacity: clinicsMax)))
    }

    func record(_ decision: QuotaDecision, of clinic: ClinicID) {
        guard !decision.isAllowed, let reason = decision.reasons.first else { return }
        let entry = Entry(decision, reason)
        state.withLock { state in
            state.all[reason, default: 0] += 1
            state.clinics.update(clinic, startingFrom: [:]) { $0[reason, default: 0] += 1 }
            state.last.update(clinic, startingFrom: []) { entries in
                if entries.count >= Self.lastMax { entries.removeFirst() }
                entries.append(entry)
            }
        }
    }

    /// Denials of a clinic by their first reason.
    public func denials(of clinic: ClinicID) -> [QuotaDecision.Reason: Int64] {
        state.withLock { $0.clinics[clinic] ?? [:] }
    }

    /// The last denials of a clinic, the newest last.
    public func last(of clinic: ClinicID) -> [Entry] {
        state.withLock { $0.last[clinic] ?? [] }
    }

    /// Denials of all clinics by their first reason.
    public var all: [QuotaDecision.Reason: Int64] { state.withLock { $0.all } }
}

extension DenialLog.Entry {
    fileprivate init(_ decision: QuotaDecision, _ reason: QuotaDecision.Reason) {
        self.init(
            at: decision.decidedAt, reason: reason,
            limits: decision.limits.filter(\.hasDenied).map(\.name),
            retryAfter: decision.retryAfter)
    }
}
