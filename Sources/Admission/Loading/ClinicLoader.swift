import Metering
import Quotas
import Synchronization
import Values

/// Brings terms from PostgreSQL to the counter store: once for all callers that wait for a clinic,
/// and not again for an id that was unknown a moment ago.
final class ClinicLoader: Sendable {
    private typealias Loads = SingleFlight<ClinicID, Result<Bool, QuotaError>>

    private struct State {
        /// Ids that PostgreSQL did not know, and the time for which that is believed, by the clock
        /// of the store, µs. A clock that went back believes nothing.
        var unknown = BoundedMap<ClinicID, Range<Int64>>(capacity: ClinicLoader.idsMax)
        /// Versions that PostgreSQL has and the counter may lack. An evicted one is found by the
        /// poll.
        var expected = BoundedMap<ClinicID, Int64>(capacity: ClinicLoader.idsMax)
        /// How often a version was announced. A load during which this rises believes no absence.
        var announcements = 0
        /// Bounds the lookups of ids that turn out to be no clinic.
        var unmet: SecondWindow
        /// Ids that were admitted to that window and are being looked up.
        var admitted: Set<ClinicID> = []
        /// Whether this process may still not have met every clinic.
        var isOpening = true

        /// The lookup of an id ended. A clinic does not count against the window.
        mutating func endLookup(of clinic: ClinicID, exists: Bool) {
            if admitted.remove(clinic) != nil, exists { unmet.giveBack() }
        }
    }

    static let loadsMax = 256
    static let idsMax = 10_000
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
    /// Loads into the counter store, by clinic.
    private let loads = Loads(flightsMax: loadsMax)
    /// Lookups during an outage, when there is no counter store to load into.
    private let lookups = Loads(flightsMax: loadsMax)

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
        state = Mutex(State(unmet: SecondWindow(most: pace.unknownClinicsPerSecond)))
    }

    /// Loads a clinic that the store answered MISS or STALE for; false when there is no such
    /// clinic.
    func load(_ clinic: ClinicID, after reply: CounterReply) async throws(QuotaError) -> Bool {
        if isKnownUnknown(clinic, at: reply.now) { return false }
        try admit(clinic)
        guard fallback?.mayReadDatabase ?? true else { throw refuseLookup(of: clinic) }
        do throws(QuotaError) {
            let exists = try await refresh(clinic, at: reply.now, epoch: .none)
            fallback?.databaseReplied(true)
            return exists
        } catch {
            fallback?.databaseReplied(!error.isOfDatabase)
            throw error
        }
    }

    /// Looks up a clinic that the fallback does not know; false when there is no such clinic.
    func lookUp(_ clinic: ClinicID, after error: QuotaError) async throws(QuotaError) -> Bool {
        guard let fallback else { throw error }
        if case .termsUnavailable = error { throw error }
        guard case .database(let source) = origin else {
            throw .termsUnavailable("this process learns of clinics from the counters alone")
        }
        let now = fallback.storeTime
        if isKnownUnknown(clinic, at: now) { return false }
        try admit(clinic)
        guard fallback.mayReadDatabase else { throw refuseLookup(of: clinic) }
        let lookup = lookups.join(clinic) { await self.lookUp(clinic, in: source, at: now) }
        guard let lookup else {
            fallback.databaseReplied(true)
            state.withLock { $0.endLookup(of: clinic, exists: false) }
            throw .busy
        }
        do throws(QuotaError) {
            let exists = try await result(of: lookup)
            fallback.databaseReplied(true)
            return exists
        } catch {
            fallback.databaseReplied(!error.isOfDatabase)
            throw error
        }
    }

    /// Ends a lookup that does not start, because PostgreSQL failed a moment ago.
    private func refuseLookup(of clinic: ClinicID) -> QuotaError {
        state.withLock { $0.endLookup(of: clinic, exists: false) }
        return .termsUnavailable("it gave none a moment ago")
    }

    private func result(
        of load: Task<Result<Bool, QuotaError>, Never>
    ) async throws(QuotaError) -> Bool {
        guard let result = await load.value(within: pace.patience) else {
            throw .termsUnavailable("none within \(pace.patience)")
        }
        return try result.get()
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
            state.endLookup(of: clinic, exists: result == .success(true))
            guard case .success(false) = result else { return }
            state.unknown[clinic] = now..<now + Self.unknownFor
        }
        return result
    }

    private func isKnownUnknown(_ clinic: ClinicID, at now: Int64) -> Bool {
        state.withLock { $0.unknown[clinic]?.contains(now) ?? false }
    }

    /// Bounds how often made-up ids reach PostgreSQL: a flood of them must not take its
    /// connections.
    private func admit(_ clinic: ClinicID) throws(QuotaError) {
        if marks.mark(of: clinic) != nil || fallback?.knows(clinic) == true { return }
        if loads.isRunning(clinic) || lookups.isRunning(clinic) { return }
        let age = ContinuousClock.now - start
        let isAdmitted = state.withLock { state in
            if state.isOpening, age < pace.opening { return true }
            if state.expected[clinic] != nil { return true }
            guard state.unmet.admits(at: age.wholeMicroseconds) else { return false }
            state.admitted.insert(clinic)
            return true
        }
        guard isAdmitted else { throw .busy }
    }

    /// This process has met every clinic: from now on lookups of other ids are bounded.
    func endOpening() { state.withLock { $0.isOpening = false } }

    func expect(version: Int64, of clinic: ClinicID) {
        state.withLock { state in
            state.announcements += 1
            state.unknown[clinic] = nil
            state.expected[clinic] = version
        }
    }

    /// Renews a counter whose reply carries an older version than PostgreSQL is known to have. The
    /// check that showed it is decided already, so it does not wait; the poll repeats what fails
    /// here.
    func compareVersion(of reply: CounterReply, for clinic: ClinicID) {
        let isOld = state.withLock { state in
            guard let expected = state.expected[clinic] else { return false }
            if reply.configVersion >= expected { state.expected[clinic] = nil }
            return reply.configVersion < expected
        }
        if isOld { _ = startLoad(clinic, at: reply.now, epoch: reply.mark.epoch) }
    }

    /// Runs one load for all callers that need the clinic at the same time; false when there is no
    /// such clinic.
    ///
    /// - Parameters:
    ///   - epoch: The epoch that is counted now, so that the units counted outside it are set
    ///     again; none when the store holds nothing, or when that does not matter.
    ///   - known: What PostgreSQL said at `now`, if it was read already.
    func refresh(
        _ clinic: ClinicID, at now: Int64, epoch: Epoch, known: ClinicTerms? = nil
    ) async throws(QuotaError) -> Bool {
        guard let load = startLoad(clinic, at: now, epoch: epoch, known) else {
            state.withLock { $0.endLookup(of: clinic, exists: false) }
            throw .busy
        }
        return try await result(of: load)
    }

    private func startLoad(
        _ clinic: ClinicID, at now: Int64, epoch: Epoch, _ known: ClinicTerms? = nil
    ) -> Task<Result<Bool, QuotaError>, Never>? {
        loads.join(clinic) { await self.load(clinic, at: now, epoch: epoch, known) }
    }

    private func load(
        _ clinic: ClinicID, at now: Int64, epoch: Epoch, _ known: ClinicTerms?
    ) async -> Result<Bool, QuotaError> {
        let announcements = state.withLock { $0.announcements }
        let result: Result<Bool, QuotaError>
        do throws(QuotaError) {
            switch origin {
            case .database(let source):
                result = .success(
                    try await transfer(clinic, from: source, at: now, epoch: epoch, known))
            case .provider(let provider):
                result = .success(try await provider.provide(clinic))
                if result == .success(false) { fallback?.forget(clinic) }
            }
        } catch {
            result = .failure(error)
        }
        state.withLock { state in
            state.endLookup(of: clinic, exists: result == .success(true))
            guard case .success(false) = result else { return state.unknown[clinic] = nil }
            guard state.announcements == announcements else { return }
            state.unknown[clinic] = now..<now + Self.unknownFor
        }
        return result
    }

    private func transfer(
        _ clinic: ClinicID, from source: any TermsSource, at now: Int64, epoch: Epoch,
        _ known: ClinicTerms?
    ) async throws(QuotaError) -> Bool {
        var (now, epoch, known) = (now, epoch, known)
        // A second round when the store was ahead of PostgreSQL or the period turned; a third is
        // rare.
        for _ in 0..<3 {
            let wasKnown = known != nil
            var found = known
            if found == nil { found = try await source.terms(of: clinic, at: now) }
            known = nil
            guard var terms = found else {
                fallback?.forget(clinic)
                if epoch != .none { try await end(clinic, at: now) }
                return false
            }
            if let plan = terms.plan { names.learn(plan) }
            fallback?.learn(terms, of: clinic)
            if let mark = marks.mark(of: clinic) { terms.include(mark) }
            let reply = try await counters.configure(
                clinic, terms.counterTerms(outside: epoch).asKnown(at: now))
            now = reply.now
            switch reply.verdict {
            case .configured:
                concurrency.learn(terms.plan, version: terms.version, of: clinic)
                marks.record(terms.highest(reply.mark), of: clinic)
                return true
            // Terms that were read together with others may be overtaken by now.
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

    /// The clinic was deleted and the store still holds its counter. Nothing may be counted there
    /// any more, or it could never be forgotten.
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
