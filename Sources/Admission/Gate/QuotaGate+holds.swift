public import Metering
public import Quotas
import Values

extension QuotaGate {
    /// Decides a call and counts it once for its id: exact while Redis keeps its data, for two
    /// hours at least.
    ///
    /// A denied call is not remembered: a repeat of its id is decided again. The mode is not
    /// `peek`.
    public func check(
        _ clinic: ClinicID, limit: String = LimitID.defaultName, cost: Int64 = 1,
        mode: CheckRequest.Mode = .consume, writes: Bool = false, requestID: CallID
    ) async throws(QuotaError) -> OnceAnswer {
        let start = ContinuousClock.now
        let check = Check(clinic, limit: limit, cost: cost, mode: mode, writes: writes)
        do throws(QuotaError) {
            let once = try await checkOnce(check, requestID)
            observer?.checked(mode, .success(once.answer), took: ContinuousClock.now - start)
            return once
        } catch {
            observer?.checked(mode, .failure(error), took: ContinuousClock.now - start)
            throw error
        }
    }

    private func checkOnce(
        _ check: Check, _ requestID: CallID
    ) async throws(QuotaError) -> OnceAnswer {
        let group = LimitID.group(of: check.limit)
        let reply = try await reply(for: check.clinic) { gate in
            .checkOnce(
                gate.request(
                    check.clinic, group, check.cost, check.mode, writes: check.writes),
                id: requestID)
        }
        guard let reply else { return OnceAnswer(answer: .unknownClinic, memory: .first) }
        if reply.reply.verdict == .noSuchLimit {
            return OnceAnswer(answer: .noSuchLimit, memory: .first)
        }
        let decision = QuotaDecision(
            reply.reply, named: group, mode: check.mode, units: check.cost,
            name: names.name(of:))
        if reply.outcome == .none { denials.record(decision, of: check.clinic) }
        let memory: OnceAnswer.Memory =
            reply.outcome == .otherCall
            ? .otherCall
            : reply.isRepeated ? .repeated : reply.isForgotten ? .forgotten : .first
        return OnceAnswer(answer: .decided(decision), memory: memory)
    }

    /// Counts units now and holds them until they are committed, released or their time has passed.
    ///
    /// - Parameters:
    ///   - id: Names the hold. A repeat within two hours after its end changes nothing.
    ///   - duration: 1 µs to 24 hours.
    ///   - isNamed: Whether the caller knows the id when this throws. If not, a hold that Redis
    ///     made nevertheless is released as soon as its reply arrives.
    public func reserve(
        _ clinic: ClinicID, id: CallID, limit: String = LimitID.defaultName, cost: Int64 = 1,
        for duration: Duration, writes: Bool = false, isNamed: Bool = true
    ) async throws(QuotaError) -> ReserveAnswer {
        let group = LimitID.group(of: limit)
        let reply = try await reply(for: clinic) { gate in
            let (concurrent, version) = gate.concurrency.terms(of: clinic, limit: group)
            return .reserve(
                gate.request(clinic, group, cost, .consume, writes: writes),
                HoldTerms(
                    id: id, timeToLive: duration.wholeMicroseconds, concurrent: concurrent,
                    configVersion: version, isNamed: isNamed))
        }
        guard var reply else { return .unknownClinic }
        let period = QuotaDecision.Period(reply.reply)
        switch reply.outcome {
        case .reserved:
            return .held(
                ReserveAnswer.Held(
                    units: reply.units, ends: reply.time, isRepeated: reply.isRepeated,
                    period: period))
        case .otherCall: return .otherCall
        case .tooMany: return .tooMany(retryAfter: .microseconds(reply.time))
        case .none where reply.reply.verdict == .noSuchLimit: return .noSuchLimit
        case .none: break
        case .tooManyOpen:
            (reply.reply.verdict, reply.reply.mask) = (.denied, CounterReply.concurrencyBit)
            reply.reply.wait = reply.time
        default:
            guard let ending = HoldEnding(reply) else { throw .unreadable(clinic) }
            return .ended(ending)
        }
        let decision = QuotaDecision(
            reply.reply, named: group, mode: .consume, units: cost, name: names.name(of:))
        denials.record(decision, of: clinic)
        return .denied(decision)
    }

    /// Keeps `units` of a hold as used, or all of them when nil, and gives the rest back.
    public func commit(
        _ clinic: ClinicID, id: CallID, units: Int64? = nil
    ) async throws(QuotaError) -> SettleAnswer {
        try await endHold(clinic) { .commit($0.claim(clinic), id: id, units: units) }
    }

    /// Gives all units of a hold back.
    public func release(_ clinic: ClinicID, id: CallID) async throws(QuotaError) -> SettleAnswer {
        try await endHold(clinic) { .release($0.claim(clinic), id: id) }
    }

    private func endHold(
        _ clinic: ClinicID, _ call: (QuotaGate) -> HoldCall
    ) async throws(QuotaError) -> SettleAnswer {
        guard let reply = try await reply(for: clinic, call) else { return .unknownClinic }
        switch reply.outcome {
        case .unknown: return .unknownHold
        case .tooMuch: return .tooMuch(held: reply.units)
        default:
            guard let ending = HoldEnding(reply) else { throw .unreadable(clinic) }
            return .ended(ending)
        }
    }

    /// Gives units of the running period back, once for an id within two hours.
    public func refund(
        _ clinic: ClinicID, id: CallID, units: Int64
    ) async throws(QuotaError) -> RefundAnswer {
        let reply = try await reply(for: clinic) { gate in
            .refund(gate.claim(clinic), id: id, units: units)
        }
        guard let reply else { return .unknownClinic }
        let period = QuotaDecision.Period(reply.reply)
        switch reply.outcome {
        case .refunded:
            return .refunded(
                RefundAnswer.Refund(
                    units: reply.units, isRepeated: reply.isRepeated, waits: reply.waits,
                    period: period))
        case .tooMuch: return .tooMuch(period)
        case .otherCall: return .otherCall
        case .tooMany: return .tooMany
        default: throw .unreadable(clinic)
        }
    }

    /// Ends the clinic's holds whose time has passed, and forgets the credits that PostgreSQL has
    /// given back.
    ///
    /// - Returns: The credits that wait for PostgreSQL; nil when there is no such clinic.
    public func expireHolds(
        of clinic: ClinicID, done: [WaitingCredit] = []
    ) async throws(QuotaError) -> [WaitingCredit]? {
        for _ in 0..<3 {
            // No caller is answered before it is done, and it may be done at any time.
            var claim = claim(clinic)
            claim.notAfter = 0
            let (reply, waiting) = try await counters.expireHolds(of: clinic, claim, done: done)
            switch try await next(after: reply, of: clinic) {
            case .sendAgain: continue
            case .noClinic: return nil
            case .done: return waiting
            }
        }
        throw .unsteady(clinic)
    }
}

// MARK: Sending until there is an answer

extension QuotaGate {
    /// What a reply leaves to do.
    private enum Next { case done, sendAgain, noClinic }

    /// The reply to a call; nil when there is no such clinic. `call` makes the call for each
    /// sending, with the marks of that moment.
    private func reply(
        for clinic: ClinicID, _ call: (QuotaGate) -> HoldCall
    ) async throws(QuotaError) -> HoldReply? {
        // One sending normally; more after a load, a turn of the period or a replaced plan.
        var isLate = false
        for _ in 0..<4 {
            let reply = try await send(for: clinic, call)
            isLate = reply.reply.verdict == .expired
            switch try await next(after: reply, of: clinic) {
            case .sendAgain: continue
            case .noClinic: return nil
            case .done: return reply
            }
        }
        throw isLate
            ? .countersUnavailable("it answers too late, and has counted nothing")
            : .unsteady(clinic)
    }

    /// Sends a call to the counter store, unless the store is unavailable, and tells the fallback
    /// how the store does.
    private func send(
        for clinic: ClinicID, _ call: (QuotaGate) -> HoldCall
    ) async throws(QuotaError) -> HoldReply {
        guard let fallback else { return try await counters.send(call(self), for: clinic) }
        guard !fallback.isRedisUnavailable else {
            throw .countersUnavailable("it is unavailable")
        }
        let sentAt = fallback.uptime
        do throws(QuotaError) {
            let reply = try await counters.send(call(self), for: clinic)
            fallback.redisReplied(at: reply.reply.now, sentAt: sentAt)
            return reply
        } catch {
            // A caller that gave up says nothing about Redis.
            if error.isStoreUnavailable, !Task.isCancelled { fallback.redisFailed(error) }
            throw error
        }
    }

    /// Remembers what a reply said, and removes what kept the store from deciding.
    private func next(
        after hold: HoldReply, of clinic: ClinicID
    ) async throws(QuotaError) -> Next {
        let reply = hold.reply
        switch reply.verdict {
        case .allowed, .denied:
            marks.record(reply.mark, of: clinic, pace: MarkPlausibility.Pace(reply.limits))
            if hold.outcome == .oldLimits {
                return try await loader.refresh(clinic, at: reply.now, epoch: reply.mark.epoch)
                    ? .sendAgain : .noClinic
            }
            denialCache?.forget(clinic)
            loader.compareVersion(of: reply, for: clinic)
            return reply.flags.access == .gone ? .noClinic : .done
        case .miss, .stale:
            return try await loader.load(clinic, after: reply) ? .sendAgain : .noClinic
        case .noSuchLimit: return .done
        case .unsettled:
            guard await settleToFit(clinic) else { throw .unsettled(clinic) }
            return .sendAgain
        // The clock of Redis was set, and is known now.
        case .expired: return .sendAgain
        default: throw .unreadable(clinic)
        }
    }

    /// Counts units that were admitted during an outage, whatever limits and quota say, once for
    /// the id.
    ///
    /// - Parameter units: 1…1,000,000.
    /// - Returns: False when there is no such clinic any more.
    func countLate(
        _ units: Int64, of clinic: ClinicID, id: CallID
    ) async throws(QuotaError) -> Bool {
        // Limit 0: the quota counts them, and no rate limit is charged for what is long past.
        try await reply(for: clinic) { gate in
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

    /// The clock of Redis after which a call that leaves now may change nothing, because its caller
    /// has an answer by then.
    private var lastMoment: Int64 {
        fallback.map { $0.notAfter(sentAt: $0.uptime) } ?? 0
    }
}
