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
    /// What is answered while a store is away; nil = nothing.
    private let away: AwayDesk?

    /// - Parameters:
    ///   - away: With the same marks.
    ///   - loading: How clinics are brought from PostgreSQL.
    public init(
        counters: any CounterStore, settings: any SettingsSource, marks: MarkBook = MarkBook(),
        settler: (any ClosedCountSettler)? = nil, away: AwayDesk? = nil,
        loading: LoadingPace = LoadingPace(),
        nonce: @escaping @Sendable () -> UInt64 = { .random(in: .min ... .max) }
    ) {
        self.counters = counters
        self.marks = marks
        self.settler = settler
        self.away = away
        self.nonce = nonce
        loader = ClinicLoader(
            counters: counters, settings: settings, names: names, marks: marks, away: away,
            pace: loading)
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
        let group = LimitID.group(of: limit)
        var request = CheckRequest(
            limit: group, mode: mode, cost: cost, writes: writes, mark: nil, nonce: 0)
        // One answer normally; a second after a load, a third when the period turned in between.
        for _ in 0..<3 {
            (request.mark, request.nonce) = (marks.mark(of: clinic), nonce())
            let reply: CounterReply
            do throws(QuotaError) {
                reply = try await asked(clinic, &request)
            } catch {
                return try await decideAlone(clinic, request, after: error)
            }
            switch reply.verdict {
            case .allowed, .denied:
                marks.record(
                    reply.mark, of: clinic, pace: MarkPlausibility.Pace(reply.limits))
                loader.noteVersion(reply, of: clinic)
                if reply.flags.access == .gone { return .unknownClinic }
                let decision = QuotaDecision(reply, asked: group, name: names.name(of:))
                if mode != .peek { denials.record(decision, of: clinic) }
                return .decided(decision)
            case .miss, .stale:
                do throws(QuotaError) {
                    guard try await loader.load(clinic, after: reply) else {
                        return .unknownClinic
                    }
                } catch {
                    return try await decideAlone(clinic, request, after: error.ofOtherCall)
                }
            case .noSuchLimit: return .noSuchLimit
            case .unsettled:
                guard await settler?.settle(clinic) == true else { throw .unsettled(clinic) }
            // The clock of Redis was set, and is known now.
            case .expired: continue
            default: throw .unreadable(clinic)
            }
        }
        // Whatever the last answer was, it counted nothing.
        return try await decideAlone(
            clinic, request,
            after: away == nil ? .unsteady(clinic) : .countersAway("no steady answer"))
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

// MARK: A store is away

extension QuotaGate {
    /// Asks the counter store, and lets the desk know how it fared.
    private func asked(
        _ clinic: ClinicID, _ request: inout CheckRequest
    ) async throws(QuotaError) -> CounterReply {
        guard let away else { return try await counters.check(clinic, request) }
        guard !away.isRedisAway else { throw .countersAway("it was away a moment ago") }
        let sentAt = away.uptime
        request.notAfter = away.notAfter(sentAt: sentAt)
        do throws(QuotaError) {
            let reply = try await counters.check(clinic, request)
            away.answered(reply.now, sentAt: sentAt)
            return reply
        } catch {
            if error.isStoreAway { away.failed(error) }
            throw error
        }
    }

    /// Answers without the counter store, or says why there is no answer.
    private func decideAlone(
        _ clinic: ClinicID, _ request: CheckRequest, after error: QuotaError
    ) async throws(QuotaError) -> QuotaAnswer {
        guard let away, error.isStoreAway else { throw error }
        var decision = away.decide(clinic, request, after: error, name: names.name(of:))
        if decision == .stranger {
            do throws(QuotaError) {
                guard try await loader.meet(clinic, after: error) else {
                    away.giveUp(clinic, request, after: error)
                    return .unknownClinic
                }
                decision = away.decide(clinic, request, after: error, name: names.name(of:))
            } catch {
                // PostgreSQL answers, and is not asked more often than it may be.
                guard error.isStoreAway else {
                    away.giveUp(clinic, request, after: error)
                    throw error
                }
                decision = away.decideBlind(clinic, request, after: error)
            }
        }
        switch decision {
        case .answer(let answer, _):
            if case .decided(let decided) = answer, request.mode != .peek {
                denials.record(decided, of: clinic)
            }
            return answer
        case .refused, .stranger: throw error
        }
    }

    /// Every clinic was learnt: ids that were not among them are strangers.
    public func noteAllLearnt() { loader.endOpening() }

    /// What PostgreSQL said of a clinic, for the time when its counter cannot be asked.
    public func learn(_ settings: ClinicSettings, of clinic: ClinicID) {
        if let plan = settings.plan { names.learn(plan) }
        away?.learn(settings, of: clinic)
    }
}
