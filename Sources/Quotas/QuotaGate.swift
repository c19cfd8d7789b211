public import Metering

/// Answers checks: one call of the counter store, and a visit to PostgreSQL only when the store asks for it.
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
    /// What is answered while a store is away; nil = nothing.
    let fallback: Fallback?
    /// Denials that are given again without a trip; nil = none.
    let recent: RecentDenials?
    /// Whether the desk knows clinics from replies: nobody here reads PostgreSQL.
    let learnsFromReplies: Bool

    /// - Parameters:
    ///   - fallback: With the same marks.
    ///   - loading: How clinics are brought from PostgreSQL.
    ///   - recent: Denials that are given again without asking the counter.
    ///   - observer: Is told how each check ended.
    public convenience init(
        counters: any CounterStore, terms: any TermsSource,
        marks: HighWaterMarks = HighWaterMarks(),
        closedCounts: (any ClosedCountWriter)? = nil, fallback: Fallback? = nil,
        loading: LoadingPace = LoadingPace(), recent: RecentDenials? = nil,
        observer: (any CheckObserver)? = nil, nonce: (@Sendable () -> UInt64)? = nil
    ) {
        self.init(
            counters: counters, origin: .database(terms), marks: marks, closedCounts: closedCounts,
            fallback: fallback, loading: loading, recent: recent, observer: observer, nonce: nonce)
    }

    /// A gate without PostgreSQL: somebody else brings clinics to the counter store, and what is known of them
    /// while it is away was told by its replies.
    public convenience init(
        counters: any CounterStore, provider: any ClinicProvider,
        marks: HighWaterMarks = HighWaterMarks(),
        fallback: Fallback? = nil, loading: LoadingPace = LoadingPace(),
        recent: RecentDenials? = nil,
        observer: (any CheckObserver)? = nil
    ) {
        self.init(
            counters: counters, origin: .others(provider), marks: marks, closedCounts: nil,
            fallback: fallback,
            loading: loading, recent: recent, observer: observer, nonce: nil)
    }

    private init(
        counters: any CounterStore, origin: TermsOrigin, marks: HighWaterMarks,
        closedCounts: (any ClosedCountWriter)?, fallback: Fallback?, loading: LoadingPace,
        recent: RecentDenials?, observer: (any CheckObserver)?, nonce: (@Sendable () -> UInt64)?
    ) {
        self.counters = counters
        self.recent = recent
        learnsFromReplies = origin.isOthers
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
    ///   - limit: Name of the limit that is asked.
    ///   - cost: Units, 1…1,000,000. Of `atMost` as many of them as there is room for are admitted.
    ///   - writes: Whether the call changes something; a suspended clinic may only read.
    public func check(
        _ clinic: ClinicID, limit: String = LimitID.defaultName, cost: Int64 = 1,
        mode: CheckRequest.Mode = .consume, writes: Bool = false
    ) async throws(QuotaError) -> QuotaAnswer {
        let question = Check(clinic, limit: limit, cost: cost, mode: mode, writes: writes)
        return try await AnswerOnce.wait(
            orWhenCancelled: .failure(.countersUnavailable("cancelled"))
        ) {
            check(question, then: $0)
        }.get()
    }

    /// Decides a call without a task of its own, and counts it when it is allowed.
    ///
    /// - Parameter answer: Called exactly once: on the event loop that asked, when that loop has a connection
    ///   to Redis; on any thread when the clinic had to be loaded first. It must not block.
    public func check(
        _ question: Check,
        then answer: @escaping @Sendable (Result<QuotaAnswer, QuotaError>) -> Void
    ) {
        let answer = observed(question.mode, answer)
        ask(question) { heard in
            switch heard {
            case .answer(let alone): answer(alone)
            case .reply(let reply):
                if let plain = self.plainAnswer(reply, to: question) {
                    answer(.success(plain))
                } else {
                    Task { answer(await self.answer(question, after: reply)) }
                }
            }
        }
    }

    /// The same answer, told to the observer first with the time that it took from now on.
    private func observed(
        _ mode: CheckRequest.Mode,
        _ answer: @escaping @Sendable (Result<QuotaAnswer, QuotaError>) -> Void
    ) -> @Sendable (Result<QuotaAnswer, QuotaError>) -> Void {
        guard let observer else { return answer }
        let began = ContinuousClock.now
        return { result in
            observer.checked(mode, result, took: ContinuousClock.now - began)
            answer(result)
        }
    }

    func request(_ question: Check) -> CheckRequest {
        CheckRequest(
            limit: LimitID.group(of: question.limit), mode: question.mode, units: question.cost,
            writes: question.writes, mark: marks.mark(of: question.clinic), nonce: nonce())
    }

    /// The answer that a reply holds; nil when something must be done before the store can say.
    func plainAnswer(_ reply: CounterReply, to question: Check) -> QuotaAnswer? {
        let clinic = question.clinic
        switch reply.verdict {
        case .allowed, .denied:
            marks.record(reply.mark, of: clinic, pace: MarkPlausibility.Pace(reply.limits))
            loader.noteVersion(reply, of: clinic)
            if reply.flags.access == .gone { return .unknownClinic }
            let decision = QuotaDecision(
                reply, asked: LimitID.group(of: question.limit), mode: question.mode,
                units: question.cost, name: names.name(of:))
            if question.mode != .peek { denials.record(decision, of: clinic) }
            return .decided(decision)
        case .noSuchLimit: return .noSuchLimit
        default: return nil
        }
    }

    /// Does what a reply asks for, and asks again: a second answer after a load, a third when the period
    /// turned in between.
    func answer(
        _ question: Check, after first: CounterReply
    ) async -> Result<QuotaAnswer, QuotaError> {
        let clinic = question.clinic
        var reply = first
        do throws(QuotaError) {
            for round in 1...3 {
                if let plain = plainAnswer(reply, to: question) { return .success(plain) }
                switch reply.verdict {
                case .miss, .stale:
                    guard try await loader.load(clinic, after: reply) else {
                        return .success(.unknownClinic)
                    }
                case .unsettled:
                    guard await settleToFit(for: clinic) else { throw .unsettled(clinic) }
                // The clock of Redis was set, and is known now.
                case .expired: break
                default: throw .unreadable(clinic)
                }
                guard round < 3 else { break }
                switch await asked(question) {
                case .answer(let alone): return alone
                case .reply(let next): reply = next
                }
            }
            // Redis keeps answering after the last moment of each call: it is as good as fallback.
            throw reply.verdict == .expired
                ? .countersUnavailable("it answers too late") : .unsteady(clinic)
        } catch {
            // Whatever failed here, the check itself was answered and counted nothing.
            return await decideAlone(question, request(question), after: error.ofOtherCall)
        }
    }

    /// Whether the clinic's closed counts have room; waited for as long as for a load.
    func settleToFit(for clinic: ClinicID) async -> Bool {
        guard let closedCounts else { return false }
        let task = Task { FirstAnswer<Bool>.Loaded.success(await closedCounts.settle(clinic)) }
        return (try? await FirstAnswer.of(task, within: loader.pace.patience).get()) ?? false
    }

    /// Brings what PostgreSQL says about a clinic to the counter store; false when there is no such clinic.
    ///
    /// - Parameters:
    ///   - now: The clock of the counter store, µs since 1970.
    ///   - epoch: The epoch that is counted now; none when the store holds nothing for the clinic.
    ///   - known: What PostgreSQL said at `now`, when it was asked for many at once; nil = it is asked here.
    @discardableResult
    public func refresh(
        _ clinic: ClinicID, at now: Int64, epoch: Epoch = .none, known: ClinicTerms? = nil
    ) async throws(QuotaError) -> Bool {
        try await loader.refresh(clinic, at: now, epoch: epoch, known: known)
    }

    /// Tells that PostgreSQL has this version of a clinic, so that an older counter is renewed at once.
    public func expect(version: Int64, of clinic: ClinicID) {
        loader.expect(version: version, of: clinic)
    }
}
