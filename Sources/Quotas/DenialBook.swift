public import Metering
import Synchronization

/// How often this process denied each clinic, and why. A denial changes no byte in Redis, so it is counted
/// here only: it starts anew with the process, and another process has its own.
public final class DenialBook: Sendable {
    private struct State {
        var clinics: [ClinicID: [QuotaDecision.Reason: Int64]] = [:]
        var all: [QuotaDecision.Reason: Int64] = [:]
    }

    private let state = Mutex(State())
    /// Clinics beyond this many are counted in the sum only.
    public let clinicsMax: Int

    public init(clinicsMax: Int = 100_000) {
        self.clinicsMax = clinicsMax
    }

    func record(_ decision: QuotaDecision, of clinic: ClinicID) {
        guard !decision.isAllowed, let reason = decision.reasons.first else { return }
        state.withLock { state in
            state.all[reason, default: 0] += 1
            guard state.clinics[clinic] != nil || state.clinics.count < clinicsMax else { return }
            state.clinics[clinic, default: [:]][reason, default: 0] += 1
        }
    }

    /// Denials of a clinic by their first reason.
    public func denials(of clinic: ClinicID) -> [QuotaDecision.Reason: Int64] {
        state.withLock { $0.clinics[clinic] ?? [:] }
    }

    /// Denials of all clinics by their first reason.
    public var all: [QuotaDecision.Reason: Int64] { state.withLock { $0.all } }
}
