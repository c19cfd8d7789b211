public import Metering
public import Quotas

/// Answers checks: one call of the counter store, and PostgreSQL only when the store's reply needs
/// it.
public final class QuotaGate: Sendable {
    public let marks: HighWaterMarks
    public let names = LimitNames()
    public let denials = DenialLog()
    let concurrency = ConcurrencyLimits()
    let counters: any CounterStore
    let loader: ClinicLoader
    let closedCounts: (any ClosedCountWriter)?
    let observer: (any CheckObserver)?
    let nonce: @Sendable () -> UInt64
    /// Decides while a store is unavailable; nil = such checks fail.
    let fallback: Fallback?
    /// Denials that are repeated without a trip; nil = none.
    let denialCache: DenialCache?
    /// Whether the fallback knows clinics from replies, because this process reads no PostgreSQL.
    let learnsFromReplies: Bool

    /// - Parameters:
    ///   - fallback: With the marks of this gate.
    ///   - loading: How clinics are brought from PostgreSQL.
    ///   - denialCache: Denials that are repeated without a call of the counter store.
    ///   - observer: Learns how each check ended.
    public convenience init(
        counters: any CounterStore, terms: any TermsSource,
        marks: HighWaterMarks = HighWaterMarks(), closedCounts: (any ClosedCountWriter)? = nil,
        fallback: Fallback? = nil, loading: LoadingPace = LoadingPace(),
        denialCache: DenialCache? = nil, observer: (any CheckObserver)? = nil,
        nonce: (@Sendable () -> UInt64)? = nil
    ) {
        self.init(
            counters: counters, origin: .database(terms), marks: marks,
            closedCounts: closedCounts, fallback: fallback, loading: loading,
            denialCache: denialCache, observer: observer, nonce: nonce)
    }

    /// A gate without PostgreSQL: `provider` brings clinics to the counter store, and the fallback
    /// knows of them what the store's replies said.
    public convenience init(
        counters: any CounterStore, provider: any ClinicProvider,
        marks: HighWaterMarks = HighWaterMarks(), fallback: Fallback? = nil,
        loading: LoadingPace = LoadingPace(), denialCache: DenialCache? = nil,
        observer: (any CheckObserver)? = nil
    ) {
        self.init(
            counters: counters, origin: .provider(provider), marks: marks, closedCounts: nil,
            fallback: fallback, loading: loading, denialCache: denialCache, observer: observer,
            nonce: nil)
    }

    private init(
        counters: any CounterStore, origin: TermsOrigin, marks: HighWaterMarks,
        closedCounts: (any ClosedCountWriter)?, fallback: Fallback?, loading: LoadingPace,
        denialCache: DenialCache?, observer: (any CheckObserver)?,
        nonce: (@Sendable () -> UInt64)?
    ) {
        self.counters = counters
        self.denialCache = denialCache
        learnsFromReplies = origin.isProvider
        self.marks = marks
        self.closedCounts = closedCounts
        self.fallback = fallback
        self.observer = observer
        self.nonce = nonce ?? { [nonces = Nonces()] in nonces.next() }
        loader = ClinicLoader(
            counters: counters, origin: origin, names: names, marks: marks,
            concurrency: concurrency, fallback: fallback, pace: loading)
    }

    /// Decides a call and counts what is admitted of it.
    ///
    /// - Parameters:
    ///   - limit: Name of the limit that applies.
    ///   - cost: Units, 1…1,000,000. `atMost` admits as many of them as fit.
    ///   - writes: Whether the call changes something; a suspended clinic may only read.
    public func check(
        _ clinic: ClinicID, limit: String = LimitID.defaultName, cost: Int64 = 1,
        mode: CheckRequest.Mode = .consume, writes: Bool = false
    ) async throws(QuotaError) -> QuotaAnswer {
        let check = Check(clinic, limit: limit, cost: cost, mode: mode, writes: writes)
        let cancelled = Answer.failure(.countersUnavailable("cancelled"))
        return try await AnswerOnce.wait(orWhenCancelled: cancelled) {
            self.check(check, then: $0)
        }.get()
    }

    /// Decides a call without a task of its own, and counts it when it is allowed.
    ///
    /// - Parameter completion: Called exactly once: on the caller's event loop, when that loop has
    ///   a connection to Redis; on any thread when the clinic had to be loaded first. It must not
    ///   block.
    public func check(_ check: Check, then completion: @escaping @Sendable (Answer) -> Void) {
        let completion = observed(check.mode, completion)
        send(check) { received in
            switch received {
            case .decided(let answer): completion(answer)
            case .reply(let reply):
                if let answer = self.answer(to: check, from: reply) {
                    completion(.success(answer))
                } else {
                    Task { completion(await self.resolve(check, after: reply)) }
                }
            }
        }
    }

    /// Reports the answer to the observer, with the time since now, before it calls `completion`.
    private func observed(
        _ mode: CheckRequest.Mode, _ completion: @escaping @Sendable (Answer) -> Void
    ) -> @Sendable (Answer) -> Void {
        guard let observer else { return completion }
        let start = ContinuousClock.now
        return { answer in
            observer.checked(mode, answer, took: ContinuousClock.now - start)
            completion(answer)
        }
    }

    func request(_ check: Check) -> CheckRequest {
        CheckRequest(
            limit: LimitID.group(of: check.limit), mode: check.mode, units: check.cost,
            writes: check.writes, mark: marks.mark(of: check.clinic), nonce: nonce())
    }

    /// The answer that a reply holds; nil when the gate must do something before the store can
    /// decide.
    func answer(to check: Check, from reply: CounterReply) -> QuotaAnswer? {
        let clinic = check.clinic
        switch reply.verdict {
        case .allowed, .denied:
            marks.record(reply.mark, of: clinic, pace: MarkPlausibility.Pace(reply.limits))
            loader.compareVersion(of: reply, for: clinic)
            if reply.flags.access == .gone { return .unknownClinic }
            let decision = QuotaDecision(
                reply, named: LimitID.group(of: check.limit), mode: check.mode,
                units: check.cost, name: names.name(of:))
            if check.mode != .peek { denials.record(decision, of: clinic) }
            return .decided(decision)
        case .noSuchLimit: return .noSuchLimit
        default: return nil
        }
    }

    /// Does what a reply asks for, and sends the check again: a second time after a load, a third
    /// time when the period turned in between.
    func resolve(_ check: Check, after first: CounterReply) async -> Answer {
        let clinic = check.clinic
        var reply = first
        do throws(QuotaError) {
            for round in 1...3 {
                if let answer = answer(to: check, from: reply) { return .success(answer) }
                switch reply.verdict {
                case .miss, .stale:
                    guard try await loader.load(clinic, after: reply) else {
                        return .success(.unknownClinic)
                    }
                case .unsettled:
                    guard await settleToFit(clinic) else { throw .unsettled(clinic) }
                // The clock of Redis was set, and is known now.
                case .expired: break
                default: throw .unreadable(clinic)
                }
                guard round < 3 else { break }
                switch await send(check) {
                case .decided(let answer): return answer
                case .reply(let next): reply = next
                }
            }
            // Redis replies after the last moment of each call: that is an outage too.
            throw reply.verdict == .expired
                ? .countersUnavailable("it answers too late") : .unsteady(clinic)
        } catch {
            // Whatever failed here, the check itself was answered and counted nothing.
            return await decideLocally(check, request(check), after: error.ofOtherCall)
        }
    }

    /// Whether the clinic's counter has space for another closed count; waits for that as long as
    /// for a load.
    func settleToFit(_ clinic: ClinicID) async -> Bool {
        guard let closedCounts else { return false }
        let settling = Task { await closedCounts.settle(clinic) }
        return await settling.value(within: loader.pace.patience) ?? false
    }

    /// Brings what PostgreSQL says about a clinic to the counter store; false when there is no such
    /// clinic.
    ///
    /// - Parameters:
    ///   - now: The clock of the counter store, µs since 1970.
    ///   - epoch: The epoch that is counted now; none when the store holds nothing for the clinic.
    ///   - known: What PostgreSQL said at `now`, if it was read together with others; nil = read
    ///     it.
    @discardableResult
    public func refresh(
        _ clinic: ClinicID, at now: Int64, epoch: Epoch = .none, known: ClinicTerms? = nil
    ) async throws(QuotaError) -> Bool {
        try await loader.refresh(clinic, at: now, epoch: epoch, known: known)
    }

    /// Announces the version that PostgreSQL has of a clinic. A counter with an older one is
    /// renewed as soon as a check meets it.
    public func expect(version: Int64, of clinic: ClinicID) {
        loader.expect(version: version, of: clinic)
    }

    /// This process has met every clinic: from now on lookups of other ids are bounded.
    public func endOpening() { loader.endOpening() }

    /// Whether PostgreSQL or Redis knows the clinic; counts nothing.
    public func knows(_ clinic: ClinicID) async throws(QuotaError) -> Bool {
        try await check(clinic, mode: .peek) != .unknownClinic
    }
}
