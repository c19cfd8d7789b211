public import Metering

/// Answers checks: one call of the counter store, and a visit to PostgreSQL only when the store asks for it.
public final class QuotaGate: Sendable {
    public let marks: MarkBook
    public let names = LimitNames()
    public let denials = DenialBook()
    private let counters: any CounterStore
    private let loader: ClinicLoader
    private let settler: (any ClosedCountSettler)?
    private let observer: (any CheckObserver)?
    private let nonce: @Sendable () -> UInt64

    /// - Parameter observer: Is told how each check ended.
    public init(
        counters: any CounterStore, settings: any SettingsSource, marks: MarkBook = MarkBook(),
        settler: (any ClosedCountSettler)? = nil, observer: (any CheckObserver)? = nil,
        nonce: @escaping @Sendable () -> UInt64 = { .random(in: .min ... .max) }
    ) {
        self.counters = counters
        self.marks = marks
        self.settler = settler
        self.observer = observer
        self.nonce = nonce
        loader = ClinicLoader(counters: counters, settings: settings, names: names, marks: marks)
    }

    /// Decides a call and counts it when it is allowed.
    ///
    /// - Parameters:
    ///   - limit: Name of the limit that is asked.
    ///   - cost: Units, 1…1,000,000.
    ///   - writes: Whether the call changes something; a suspended clinic may only read.
    public func check(
        _ clinic: ClinicID, limit: String = LimitID.defaultName, cost: Int64 = 1,
        mode: CheckRequest.Mode = .consume, writes: Bool = false
    ) async throws(QuotaError) -> QuotaAnswer {
        try await observed(mode) { () throws(QuotaError) in
            try await decide(clinic, limit: limit, cost: cost, mode: mode, writes: writes)
        }
    }

    /// Runs one check, and tells the observer how it ended and how long it took.
    func observed(
        _ mode: CheckRequest.Mode, _ check: () async throws(QuotaError) -> QuotaAnswer
    ) async throws(QuotaError) -> QuotaAnswer {
        guard let observer else { return try await check() }
        let began = ContinuousClock.now
        do throws(QuotaError) {
            let answer = try await check()
            observer.checked(mode, .success(answer), took: ContinuousClock.now - began)
            return answer
        } catch {
            observer.checked(mode, .failure(error), took: ContinuousClock.now - began)
            throw error
        }
    }

    private func decide(
        _ clinic: ClinicID, limit: String, cost: Int64, mode: CheckRequest.Mode, writes: Bool
    ) async throws(QuotaError) -> QuotaAnswer {
        let group = LimitID.group(of: limit)
        // One answer normally; a second after a load, a third when the period turned in between.
        for _ in 0..<3 {
            let request = CheckRequest(
                limit: group, mode: mode, cost: cost, writes: writes, mark: marks.mark(of: clinic),
                nonce: nonce())
            let reply = try await counters.check(clinic, request)
            switch reply.verdict {
            case .allowed, .denied:
                marks.record(
                    reply.mark, of: clinic, pace: MarkPlausibility.Pace(reply.limits))
                loader.noteVersion(reply, of: clinic)
                if reply.flags.access == .gone { return .unknownClinic }
                let decision = QuotaDecision(reply, asked: group, name: names.name(of:))
                if mode == .consume { denials.record(decision, of: clinic) }
                return .decided(decision)
            case .miss, .stale:
                guard try await loader.load(clinic, after: reply) else { return .unknownClinic }
            case .noSuchLimit: return .noSuchLimit
            case .unsettled:
                guard await settler?.settle(clinic) == true else { throw .unsettled(clinic) }
            default: throw .unreadable(clinic)
            }
        }
        throw .unsteady(clinic)
    }

    /// Brings what PostgreSQL says about a clinic to the counter store; false when there is no such clinic.
    ///
    /// - Parameters:
    ///   - now: The clock of the counter store, µs since 1970.
    ///   - epoch: The epoch that is counted now; none when the store holds nothing for the clinic.
    ///   - known: What PostgreSQL said at `now`, when it was asked for many at once; nil = it is asked here.
    @discardableResult
    public func refresh(
        _ clinic: ClinicID, at now: Int64, epoch: Epoch = .none, known: ClinicSettings? = nil
    ) async throws(QuotaError) -> Bool {
        try await loader.refresh(clinic, at: now, epoch: epoch, known: known)
    }

    /// Tells that PostgreSQL has this version of a clinic, so that an older counter is renewed at once.
    public func expect(version: Int64, of clinic: ClinicID) {
        loader.expect(version: version, of: clinic)
    }
}
