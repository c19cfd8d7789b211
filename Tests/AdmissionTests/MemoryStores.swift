import Admission
import Metering
import Quotas
import Synchronization

/// Counts clinics in memory by the rules of `CounterRules`; a test moves its clock and can break it.
final class MemoryCounters: CounterStore {
    struct State {
        var now: Int64 = 1_795_428_007_000_000
        var stamp: UInt64 = 1
        var values: [ClinicID: [UInt8]] = [:]
        /// What is held and remembered, beside `values`.
        var held: [ClinicID: HeldState] = [:]
        var minted: UInt64 = 0
        var isUnavailable = false
        /// Whether calls are not sent at all: too many wait.
        var isBusy = false
        var calls = 0
        var lastHold: HoldCall?
    }

    let state = Mutex(State())

    func check(
        _ clinic: ClinicID, _ request: CheckRequest
    ) async throws(QuotaError) -> CounterReply {
        try apply(clinic) { rules, stored in rules.check(stored, request) }
    }

    func configure(
        _ clinic: ClinicID, _ terms: CounterTerms
    ) async throws(QuotaError) -> CounterReply {
        try apply(clinic) { rules, stored in rules.configure(stored, terms, nonce: 0) }
    }

    func send(_ call: HoldCall, for clinic: ClinicID) async throws(QuotaError) -> HoldReply {
        state.withLock { $0.lastHold = call }
        return try hold(clinic) { rules, held in rules.apply(call, to: &held) }
    }

    func expireHolds(
        of clinic: ClinicID, _ claim: HoldClaim, done: [WaitingCredit]
    ) async throws(QuotaError) -> (reply: HoldReply, waiting: [WaitingCredit]) {
        try hold(clinic) { rules, held in
            rules.expire(claim, done: done.map(\.field), &held)
        }
    }

    private func hold<Reply: Sendable>(
        _ clinic: ClinicID, _ call: (CounterRules, inout HeldState) -> Reply
    ) throws(QuotaError) -> Reply {
        let reply: Reply? = state.withLock { state in
            state.calls += 1
            guard !state.isUnavailable else { return nil }
            state.minted += 1
            let epoch = Epoch(rawValue: state.minted)
            let rules = CounterRules(now: state.now, stamp: state.stamp) { _, _, _, _ in epoch }
            var held = state.held[clinic] ?? HeldState()
            held.value = state.values[clinic]
            let reply = call(rules, &held)
            state.values[clinic] = held.value
            state.held[clinic] = held
            return reply
        }
        guard let reply else { throw .countersUnavailable("a test made it unavailable") }
        return reply
    }

    private func apply(
        _ clinic: ClinicID, _ call: (CounterRules, [UInt8]?) -> CounterRules.Outcome
    ) throws(QuotaError) -> CounterReply {
        if state.withLock(\.isBusy) { throw .busy }
        let outcome: CounterRules.Outcome? = state.withLock { state in
            state.calls += 1
            guard !state.isUnavailable else { return nil }
            state.minted += 1
            let epoch = Epoch(rawValue: state.minted)
            let rules = CounterRules(now: state.now, stamp: state.stamp) { _, _, _, _ in epoch }
            let outcome = call(rules, state.values[clinic])
            if let stored = outcome.stored { state.values[clinic] = stored }
            return outcome
        }
        guard let outcome else { throw .countersUnavailable("a test made it unavailable") }
        return outcome.reply
    }
}

/// What PostgreSQL would say, from a table in memory.
final class MemoryTerms: TermsSource {
    struct State {
        var clinics: [ClinicID: ClinicTerms] = [:]
        var questions = 0
        var isUnavailable = false
        /// Answers wait here until the test lets them go.
        var held: [CheckedContinuation<Void, Never>]?
    }

    let state = Mutex(State())

    func terms(
        of clinic: ClinicID, at now: Int64
    ) async throws(QuotaError) -> ClinicTerms? {
        state.withLock { $0.questions += 1 }
        await withCheckedContinuation { continuation in
            let waits = state.withLock { state in
                state.held?.append(continuation)
                return state.held != nil
            }
            if !waits { continuation.resume() }
        }
        let (isUnavailable, settings) = state.withLock { ($0.isUnavailable, $0.clinics[clinic]) }
        if isUnavailable { throw .termsUnavailable("a test made it unavailable") }
        guard var settings else { return nil }
        settings.month = Month(containing: now) ?? settings.month
        return settings
    }

    func raiseVersion(of clinic: ClinicID, above version: Int64) async throws(QuotaError) {
        state.withLock { $0.clinics[clinic]?.version = version + 1 }
    }

    func release() {
        let waiting = state.withLock { state in
            let held = state.held ?? []
            state.held = nil
            return held
        }
        for continuation in waiting { continuation.resume() }
    }
}

extension LoadingPace {
    /// Beside tests that keep every processor busy a load in memory can take seconds too.
    static let patient = LoadingPace(patience: .seconds(60))
}
