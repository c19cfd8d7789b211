public import Metering

/// Answers checks: one call of the counter store, and a visit to PostgreSQL only when the store asks for it.
public final class QuotaGate: Sendable {
    public let marks: MarkBook
    public let names = LimitNames()
    public let denials = DenialBook()
    private let counters: any CounterStore
    private let loader: ClinicLoader
    private let settler: (any ClosedCountSettler)?
    private let nonce: @Sendable () -> UInt64

    public init(
        counters: any CounterStore, settings: any SettingsSource, marks: MarkBook = MarkBook(),
        settler: (any ClosedCountSettler)? = nil,
        nonce: @escaping @Sendable () -> UInt64 = { .random(in: .min ... .max) }
    ) {
        self.counters = counters
        self.marks = marks
        self.settler = settler
        self.nonce = nonce
        loader = ClinicLoader(counters: counters, settings: settings, names: names, marks: marks)
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
        let group = LimitID.group(of: limit)
        // One answer normally; a second after a load, a third when the period turned in between.
        for _ in 0..<3 {
            let request = CheckRequest(
                limit: group, mode: mode, cost: mode == .atMost ? 1 : cost,
                count: mode == .atMost ? cost : 1, writes: writes, mark: marks.mark(of: clinic),
                nonce: nonce())
            let reply = try await counters.check(clinic, request)
            switch reply.verdict {
            case .allowed, .denied:
                marks.record(
                    reply.mark, of: clinic, pace: MarkPlausibility.Pace(reply.limits))
                loader.noteVersion(reply, of: clinic)
                if reply.flags.access == .gone { return .unknownClinic }
                let decision = QuotaDecision(reply, to: request, name: names.name(of:))
                if mode != .peek { denials.record(decision, of: clinic) }
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
