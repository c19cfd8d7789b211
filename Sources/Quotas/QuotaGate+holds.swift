public import Metering
import Values

extension QuotaGate {
    /// Decides a call and counts it once for its id: exact while Redis keeps its data, for two hours at least.
    ///
    /// A denied call is not remembered: telling its id again asks again. The mode is not `peek`.
    public func check(
        _ clinic: ClinicID, limit: String = LimitID.defaultName, cost: Int64 = 1,
        mode: CheckRequest.Mode = .consume, writes: Bool = false, requestID: CallID
    ) async throws(QuotaError) -> OnceAnswer {
        let began = ContinuousClock.now
        do throws(QuotaError) {
            let once = try await checkOnce(clinic, limit, cost, mode, writes: writes, requestID)
            observer?.checked(mode, .success(once.answer), took: ContinuousClock.now - began)
            return once
        } catch {
            observer?.checked(mode, .failure(error), took: ContinuousClock.now - began)
            throw error
        }
    }

    private func checkOnce(
        _ clinic: ClinicID, _ limit: String, _ cost: Int64, _ mode: CheckRequest.Mode,
        writes: Bool, _ requestID: CallID
    ) async throws(QuotaError) -> OnceAnswer {
        let group = LimitID.group(of: limit)
        let told = try await told(of: clinic) { gate in
            .checkOnce(
                gate.request(clinic, group, cost, mode, writes: writes), id: requestID)
        }
        guard let told else { return OnceAnswer(answer: .unknownClinic, memory: .first) }
        if told.reply.verdict == .noSuchLimit {
            return OnceAnswer(answer: .noSuchLimit, memory: .first)
        }
        let decision = QuotaDecision(
            told.reply, asked: group, mode: mode, units: cost, name: names.name(of:))
        if told.outcome == .none { denials.record(decision, of: clinic) }
        let memory: OnceAnswer.Memory =
            told.outcome == .otherCall
            ? .otherCall
            : told.isRepeated ? .repeated : told.isForgotten ? .forgotten : .first
        return OnceAnswer(answer: .decided(decision), memory: memory)
    }

    /// Counts units now and holds them until they are committed, released or their time has passed.
    ///
    /// - Parameters:
    ///   - id: Names the hold; telling it again within two hours after its end changes nothing.
    ///   - duration: 1 µs to 24 hours.
    ///   - isNamed: Whether the caller knows the id when this throws. If not, a hold that was made all the same is
    ///     released as soon as Redis tells of it.
    public func reserve(
        _ clinic: ClinicID, id: CallID, limit: String = LimitID.defaultName, cost: Int64 = 1,
        for duration: Duration, writes: Bool = false, isNamed: Bool = true
    ) async throws(QuotaError) -> ReserveAnswer {
        let group = LimitID.group(of: limit)
        let told = try await told(of: clinic) { gate in
            let (concurrent, version) = gate.concurrency.terms(of: clinic, limit: group)
            return .reserve(
                gate.request(clinic, group, cost, .consume, writes: writes),
                HoldTerms(
                    id: id, timeToLive: duration.wholeMicroseconds, concurrent: concurrent,
                    configVersion: version, isNamed: isNamed))
        }
        guard var told else { return .unknownClinic }
        let period = QuotaDecision.Period(told.reply)
        switch told.outcome {
        case .reserved:
            return .held(
                ReserveAnswer.Held(
                    units: told.units, ends: told.time, isRepeated: told.isRepeated,
                    period: period))
        case .otherCall: return .otherCall
        case .tooMany: return .tooMany(retryAfter: .microseconds(told.time))
        case .none where told.reply.verdict == .noSuchLimit: return .noSuchLimit
        case .none: break
        case .tooManyOpen:
            (told.reply.verdict, told.reply.mask) = (.denied, CounterReply.concurrencyBit)
            told.reply.wait = told.time
        default:
            guard let ending = HoldEnding(told) else { throw .unreadable(clinic) }
            return .ended(ending)
        }
        let decision = QuotaDecision(
            told.reply, asked: group, mode: .consume, units: cost, name: names.name(of:))
        denials.record(decision, of: clinic)
        return .denied(decision)
    }

    /// Keeps `units` of a hold as used, all when nil, and gives the rest back.
    public func commit(
        _ clinic: ClinicID, id: CallID, units: Int64? = nil
    ) async throws(QuotaError) -> SettleAnswer {
        try await settle(clinic) { .commit($0.claim(clinic), id: id, units: units) }
    }

    /// Gives all of a hold back.
    public func release(_ clinic: ClinicID, id: CallID) async throws(QuotaError) -> SettleAnswer {
        try await settle(clinic) { .release($0.claim(clinic), id: id) }
    }

    private func settle(
        _ clinic: ClinicID, _ call: (QuotaGate) -> HoldCall
    ) async throws(QuotaError) -> SettleAnswer {
        guard let told = try await told(of: clinic, call) else { return .unknownClinic }
        switch told.outcome {
        case .unknown: return .unknownHold
        case .tooMuch: return .tooMuch(held: told.units)
        default:
            guard let ending = HoldEnding(told) else { throw .unreadable(clinic) }
            return .ended(ending)
        }
    }

    /// Gives units of the running period back, once for an id within two hours.
    public func refund(
        _ clinic: ClinicID, id: CallID, units: Int64
    ) async throws(QuotaError) -> RefundAnswer {
        let told = try await told(of: clinic) { gate in
            .refund(gate.claim(clinic), id: id, units: units)
        }
        guard let told else { return .unknownClinic }
        let period = QuotaDecision.Period(told.reply)
        switch told.outcome {
        case .refunded:
            return .refunded(
                RefundAnswer.Refund(
                    units: told.units, isRepeated: told.isRepeated, waits: told.waits,
                    period: period))
        case .tooMuch: return .tooMuch(period)
        case .otherCall: return .otherCall
        case .tooMany: return .tooMany
        default: throw .unreadable(clinic)
        }
    }

    /// Ends the clinic's holds whose time has passed, and forgets what PostgreSQL has given back.
    ///
    /// - Returns: What waits for PostgreSQL; nil when there is no such clinic.
    public func expireHolds(
        of clinic: ClinicID, done: [WaitingCredit] = []
    ) async throws(QuotaError) -> [WaitingCredit]? {
        for _ in 0..<3 {
            // Nobody is answered before it is done, and it may be done at any time.
            var claim = claim(clinic)
            claim.notAfter = 0
            let (told, waiting) = try await counters.expireHolds(of: clinic, claim, done: done)
            switch try await taken(told, of: clinic) {
            case .again: continue
            case .gone: return nil
            case .told: return waiting
            }
        }
        throw .unsteady(clinic)
    }
}

extension QuotaGate {
    /// Whether PostgreSQL or Redis knows the clinic; counts nothing.
    public func knows(_ clinic: ClinicID) async throws(QuotaError) -> Bool {
        try await check(clinic, mode: .peek) != .unknownClinic
    }
}

// MARK: Asking until there is an answer

extension QuotaGate {
    private enum Taken { case told, again, gone }

    /// The answer to a call, which is made anew for each time it is asked; nil when there is no such clinic.
    private func told(
        of clinic: ClinicID, _ call: (QuotaGate) -> HoldCall
    ) async throws(QuotaError) -> HoldReply? {
        // One answer normally; others after a load, when the period turned, and when the plan was replaced.
        var isLate = false
        for _ in 0..<4 {
            let told = try await take(clinic, call)
            isLate = told.reply.verdict == .expired
            switch try await taken(told, of: clinic) {
            case .again: continue
            case .gone: return nil
            case .told: return told
            }
        }
        throw isLate
            ? .countersUnavailable("it answers too late, and has counted nothing")
            : .unsteady(clinic)
    }

    /// Asks the counter store, unless it is away, and lets the desk know how it fared.
    private func take(
        _ clinic: ClinicID, _ call: (QuotaGate) -> HoldCall
    ) async throws(QuotaError) -> HoldReply {
        guard let fallback else { return try await counters.take(clinic, call(self)) }
        guard !fallback.isRedisUnavailable else { throw .countersUnavailable("it is away") }
        let sentAt = fallback.uptime
        do throws(QuotaError) {
            let told = try await counters.take(clinic, call(self))
            fallback.answered(told.reply.now, sentAt: sentAt)
            return told
        } catch {
            // A caller that gave up says nothing about Redis.
            if error.isStoreUnavailable, !Task.isCancelled { fallback.failed(error) }
            throw error
        }
    }

    /// Remembers what a reply said, and removes what stood in the way of an answer.
    private func taken(
        _ told: HoldReply, of clinic: ClinicID
    ) async throws(QuotaError) -> Taken {
        let reply = told.reply
        switch reply.verdict {
        case .allowed, .denied:
            marks.record(reply.mark, of: clinic, pace: MarkPlausibility.Pace(reply.limits))
            if told.outcome == .oldLimits {
                return try await loader.refresh(clinic, at: reply.now, epoch: reply.mark.epoch)
                    ? .again : .gone
            }
            recent?.forget(clinic)
            loader.noteVersion(reply, of: clinic)
            return reply.flags.access == .gone ? .gone : .told
        case .miss, .stale: return try await loader.load(clinic, after: reply) ? .again : .gone
        case .noSuchLimit: return .told
        case .unsettled:
            guard await settleToFit(for: clinic) else { throw .unsettled(clinic) }
            return .again
        // The clock of Redis was set, and is known now.
        case .expired: return .again
        default: throw .unreadable(clinic)
        }
    }

    /// Counts units that were let through while the counter was away, whatever anything says, once for the id.
    ///
    /// - Parameter units: 1…1,000,000.
    /// - Returns: False when there is no such clinic any more.
    func countLate(
        _ units: Int64, of clinic: ClinicID, id: CallID
    ) async throws(QuotaError) -> Bool {
        // Limit 0: the quota counts them, and no rate limit is held up by what is long past.
        try await told(of: clinic) { gate in
            .checkOnce(gate.request(clinic, 0, units, .force, writes: false), id: id)
        } != nil
    }

    private func request(
        _ clinic: ClinicID, _ group: UInt16, _ cost: Int64, _ mode: CheckRequest.Mode, writes: Bool
    ) -> CheckRequest {
        CheckRequest(
            limit: group, mode: mode, units: cost, writes: writes, mark: marks.mark(of: clinic),
            nonce: nonce(), notAfter: lastMoment)
    }

    private func claim(_ clinic: ClinicID) -> HoldClaim {
        HoldClaim(mark: marks.mark(of: clinic), nonce: nonce(), notAfter: lastMoment)
    }

    /// The clock of Redis after which a call that leaves now shall change nothing: its caller was answered by then.
    private var lastMoment: Int64 { fallback.map { $0.notAfter(sentAt: $0.uptime) } ?? 0 }
}
