public import Metering
import Synchronization

/// How often this process denied each clinic, and why. A denial changes no byte in Redis, so it is counted
/// here only: it starts anew with the process, and another process has its own.
public final class DenialLog: Sendable {
    /// One denial, as it was told.
    public struct Entry: Hashable, Sendable {
        /// The clock of Redis, µs since 1970.
        public let at: Int64
        public let reason: QuotaDecision.Reason
        /// Limits that said no.
        public let limits: [String]
        public let retryAfter: Duration?
    }

    private struct State {
        /// The newest last, of at most `lastClinicsMax` clinics.
        var last: [ClinicID: [Entry]] = [:]
        var clinics: [ClinicID: [QuotaDecision.Reason: Int64]] = [:]
        var all: [QuotaDecision.Reason: Int64] = [:]

        mutating func keep(_ entry: Entry, of clinic: ClinicID) {
            if last[clinic] == nil, last.count >= DenialLog.lastClinicsMax,
                let other = last.keys.first
            {
                last[other] = nil
            }
            var entries = last[clinic] ?? []
            if entries.count >= DenialLog.lastMax { entries.removeFirst() }
            entries.append(entry)
            last[clinic] = entries
        }
    }

    private let state = Mutex(State())
    /// Clinics beyond this many are counted in the sum only.
    public let clinicsMax: Int

    /// So many denials are kept of a clinic, and of so many clinics; beyond, any other clinic makes way.
    public static let lastMax = 16
    public static let lastClinicsMax = 10_000

    public init(clinicsMax: Int = 100_000) {
        self.clinicsMax = clinicsMax
    }

    func record(_ decision: QuotaDecision, of clinic: ClinicID) {
        guard !decision.isAllowed, let reason = decision.reasons.first else { return }
        state.withLock { state in
            state.all[reason, default: 0] += 1
            state.keep(Entry(decision, reason), of: clinic)
            guard state.clinics[clinic] != nil || state.clinics.count < clinicsMax else { return }
            state.clinics[clinic, default: [:]][reason, default: 0] += 1
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
