import Metering
import Synchronization
import Values

/// How fast, and how patiently, clinics are brought from PostgreSQL.
public struct LoadingPace: Hashable, Sendable {
    /// The longest that a call waits for a load. The load goes on, within the deadlines of its stores.
    public var patience: Duration
    /// How many ids that this process never heard of, and that turn out to be none, are looked up in any second.
    public var unknownClinicsPerSecond: Int
    /// How long after its start a process, which has heard of nobody yet, looks up whatever it is asked.
    public var opening: Duration

    public init(
        patience: Duration = .seconds(3), unknownClinicsPerSecond: Int = 10,
        opening: Duration = .zero
    ) {
        (self.patience, self.unknownClinicsPerSecond) = (patience, unknownClinicsPerSecond)
        self.opening = opening
    }
}

/// Brings settings from PostgreSQL to the counter store: once for all who wait for the same clinic, and
/// not again for an id that was unknown a moment ago.
final class ClinicLoader: Sendable {
    private struct State {
        var running: [ClinicID: Task<Result<Bool, QuotaError>, Never>] = [:]
        /// Ids that PostgreSQL did not know, and while when that is believed (clock of the store, µs). A
        /// clock that went back believes nothing.
        var unknown: [ClinicID: Range<Int64>] = [:]
        /// Versions that PostgreSQL has and the counter may lack.
        var expected: [ClinicID: Int64] = [:]
        /// How often versions were announced; a load that an announcement overtook believes no absence.
        var announcements = 0
        /// Lookups while there is no counter to bring settings to.
        var meeting: [ClinicID: Task<Result<Bool, QuotaError>, Never>] = [:]
        var strangers: SecondWindow
        /// Who was let into that window and is being looked up.
        var admitted: Set<ClinicID> = []
        /// Whether every clinic has been heard of once.
        var isOpening = true

        /// The lookup of a clinic ended; one that is there was no stranger.
        mutating func dismiss(_ clinic: ClinicID, isThere: Bool) {
            if admitted.remove(clinic) != nil, isThere { strangers.giveBack() }
        }
    }

    static let runningMax = 256
    static let unknownMax = 10_000
    static let unknownFor: Int64 = 2_000_000

    private let counters: any CounterStore
    private let origin: TermsOrigin
    private let names: LimitNames
    private let marks: HighWaterMarks
    private let concurrency: ConcurrencyLimits
    private let fallback: Fallback?
    let pace: LoadingPace
    private let start = ContinuousClock.now
    private let state: Mutex<State>

    init(
        counters: any CounterStore, origin: TermsOrigin, names: LimitNames,
        marks: HighWaterMarks, concurrency: ConcurrencyLimits, fallback: Fallback?,
        pace: LoadingPace
    ) {
        self.counters = counters
        self.origin = origin
        self.names = names
        self.marks = marks
        self.concurrency = concurrency
        self.fallback = fallback
        self.pace = pace
        state = Mutex(State(strangers: SecondWindow(most: pace.unknownClinicsPerSecond)))
    }

    /// Loads a clinic that the store answered MISS or STALE for; false when there is no such clinic.
    func load(_ clinic: ClinicID, after reply: CounterReply) async throws(QuotaError) -> Bool {
        let isUnknown = state.withLock { $0.unknown[clinic]?.contains(reply.now) ?? false }
        if isUnknown { return false }
        try admit(clinic)
        guard fallback?.mayAskDatabase ?? true else {
            throw .termsUnavailable("it was away a moment ago")
        }
        do throws(QuotaError) {
            let isThere = try await refresh(clinic, at: reply.now, epoch: .none)
            fallback?.databaseAnswered(true)
            return isThere
        } catch {
            fallback?.databaseAnswered(!error.isOfDatabase)
            throw error
        }
    }

    /// Learns about a clinic of which nothing is known while its counter is away; false when there is none.
    func meet(_ clinic: ClinicID, after error: QuotaError) async throws(QuotaError) -> Bool {
        guard let fallback else { throw error }
        if case .termsUnavailable = error { throw error }
        guard case .database(let source) = origin else {
            throw .termsUnavailable("only the counters that are away tell of clinics here")
        }
        let now = fallback.storeTime
        if state.withLock({ $0.unknown[clinic]?.contains(now) ?? false }) { return false }
        try admit(clinic)
        guard fallback.mayAskDatabase else { throw .termsUnavailable("it was away a moment ago") }
        let task: Task<Result<Bool, QuotaError>, Never>? = state.withLock { state in
            if let meeting = state.meeting[clinic] { return meeting }
            guard state.meeting.count < Self.runningMax else { return nil }
            let task = Task { await self.lookUp(clinic, in: source, at: now) }
            state.meeting[clinic] = task
            return task
        }
        guard let task else {
            fallback.databaseAnswered(true)
            throw .busy
        }
        do throws(QuotaError) {
            let isThere = try await FirstAnswer.of(task, within: pace.patience).get()
            fallback.databaseAnswered(true)
            return isThere
        } catch {
            fallback.databaseAnswered(!error.isOfDatabase)
            throw error
        }
    }

    private func lookUp(
        _ clinic: ClinicID, in source: any TermsSource, at now: Int64
    ) async -> Result<Bool, QuotaError> {
        let result: Result<Bool, QuotaError>
        do throws(QuotaError) {
            let found = try await source.terms(of: clinic, at: now)
            if let found {
                if let plan = found.plan { names.learn(plan) }
                fallback?.learn(found, of: clinic)
            }
            result = .success(found != nil)
        } catch {
            result = .failure(error)
        }
        state.withLock { state in
            state.meeting[clinic] = nil
            state.dismiss(clinic, isThere: result == .success(true))
            guard case .success(false) = result else { return }
            noteUnknown(clinic, at: now, &state)
        }
        return result
    }

    private func noteUnknown(_ clinic: ClinicID, at now: Int64, _ state: inout State) {
        if state.unknown.count >= Self.unknownMax { state.unknown.removeAll() }
        state.unknown[clinic] = now..<now + Self.unknownFor
    }

    /// Made-up ids reach PostgreSQL only so often: a flood of them must not take its connections from everybody
    /// else.
    private func admit(_ clinic: ClinicID) throws(QuotaError) {
        if marks.mark(of: clinic) != nil || fallback?.knows(clinic) == true { return }
        let age = ContinuousClock.now - start
        let isAdmitted = state.withLock { state in
            if state.isOpening, age < pace.opening { return true }
            if state.expected[clinic] != nil || state.running[clinic] != nil
                || state.meeting[clinic] != nil
            {
                return true
            }
            guard state.strangers.admits(at: age.wholeMicroseconds) else { return false }
            state.admitted.insert(clinic)
            return true
        }
        guard isAdmitted else { throw .busy }
    }

    /// Every clinic has been heard of: from now on strangers are held down.
    func endOpening() { state.withLock { $0.isOpening = false } }

    func expect(version: Int64, of clinic: ClinicID) {
        state.withLock { state in
            state.announcements += 1
            state.unknown[clinic] = nil
            // Beyond the bound the poll alone renews; this is only the faster way.
            guard state.expected[clinic] != nil || state.expected.count < Self.unknownMax else {
                return
            }
            state.expected[clinic] = version
        }
    }

    /// Renews a counter whose reply carries an older version than PostgreSQL is known to have. The call
    /// that noticed it is decided already, so it does not wait, and the poll tries again what fails here.
    func noteVersion(_ reply: CounterReply, of clinic: ClinicID) {
        let isOld = state.withLock { state in
            guard let expected = state.expected[clinic] else { return false }
            if reply.configVersion >= expected { state.expected[clinic] = nil }
            return reply.configVersion < expected
        }
        if isOld { _ = running(clinic, at: reply.now, epoch: reply.mark.epoch) }
    }

    /// One load for all who ask for the clinic at the same time.
    ///
    /// - Parameter epoch: The epoch that is counted now, so that what was counted outside it is set anew;
    ///   none when the store holds nothing, or when that does not matter.
    func refresh(
        _ clinic: ClinicID, at now: Int64, epoch: Epoch, known: ClinicTerms? = nil
    ) async throws(QuotaError) -> Bool {
        guard let task = running(clinic, at: now, epoch: epoch, known) else { throw .busy }
        return try await FirstAnswer.of(task, within: pace.patience).get()
    }

    private func running(
        _ clinic: ClinicID, at now: Int64, epoch: Epoch, _ known: ClinicTerms? = nil
    ) -> Task<Result<Bool, QuotaError>, Never>? {
        state.withLock { state in
            if let running = state.running[clinic] { return running }
            guard state.running.count < Self.runningMax else { return nil }
            let task = Task { await self.run(clinic, at: now, epoch: epoch, known) }
            state.running[clinic] = task
            return task
        }
    }

    private func run(
        _ clinic: ClinicID, at now: Int64, epoch: Epoch, _ known: ClinicTerms?
    ) async -> Result<Bool, QuotaError> {
        let announcements = state.withLock { $0.announcements }
        let result: Result<Bool, QuotaError>
        do throws(QuotaError) {
            switch origin {
            case .database(let source):
                result = .success(
                    try await bring(clinic, from: source, at: now, epoch: epoch, known))
            case .others(let provider):
                result = .success(try await provider.bring(clinic))
                if result == .success(false) { fallback?.forget(clinic) }
            }
        } catch {
            result = .failure(error)
        }
        state.withLock { state in
            state.running[clinic] = nil
            state.dismiss(clinic, isThere: result == .success(true))
            guard case .success(false) = result else { return state.unknown[clinic] = nil }
            guard state.announcements == announcements else { return }
            noteUnknown(clinic, at: now, &state)
        }
        return result
    }

    private func bring(
        _ clinic: ClinicID, from source: any TermsSource, at now: Int64, epoch: Epoch,
        _ known: ClinicTerms?
    ) async throws(QuotaError) -> Bool {
        var (now, epoch, known) = (now, epoch, known)
        // A second round when the store was ahead of PostgreSQL or the period turned; a third is not normal.
        for _ in 0..<3 {
            let asked: ClinicTerms?
            if let known {
                asked = known
            } else {
                asked = try await source.terms(of: clinic, at: now)
            }
            let wasKnown = known != nil
            known = nil
            guard var found = asked else {
                fallback?.forget(clinic)
                if epoch != .none { try await end(clinic, at: now) }
                return false
            }
            if let plan = found.plan { names.learn(plan) }
            fallback?.learn(found, of: clinic)
            if let mark = marks.mark(of: clinic) { found.include(mark) }
            let configuration = found.counterTerms(outside: epoch).asKnown(at: now)
            let reply = try await counters.configure(clinic, configuration)
            now = reply.now
            switch reply.verdict {
            case .configured:
                concurrency.learn(found.plan, version: found.version, of: clinic)
                marks.record(found.highest(reply.mark), of: clinic)
                return true
            // What was asked for many at once may be overtaken by now.
            case .older where wasKnown, .conflict where wasKnown: continue
            case .older, .conflict:
                try await source.raiseVersion(of: clinic, above: reply.configVersion)
            case .miss: epoch = .none
            case .stale, .otherPeriod: continue
            case .unsettled: throw .unsettled(clinic)
            default: throw .unreadable(clinic)
            }
        }
        throw .unsteady(clinic)
    }

    /// The clinic was deleted and the store still holds its counter: nothing may be counted there any more,
    /// or it could never be forgotten.
    private func end(_ clinic: ClinicID, at now: Int64) async throws(QuotaError) {
        guard let month = Month(containing: now) else { throw .unsteady(clinic) }
        var version: Int64 = 0
        for _ in 0..<3 {
            let gone = ClinicTerms(
                version: version, plan: .unlimited, access: .gone, month: month, ledger: [:],
                adjustments: 0)
            // Any epoch but none keeps the store from making a new counter.
            let reply = try await counters.configure(
                clinic, gone.counterTerms(outside: Epoch(rawValue: .max)))
            switch reply.verdict {
            case .configured, .miss: return
            case .older, .conflict: version = reply.configVersion + 1
            case .unsettled: throw .unsettled(clinic)
            default: throw .unreadable(clinic)
            }
        }
        throw .unsteady(clinic)
    }
}
