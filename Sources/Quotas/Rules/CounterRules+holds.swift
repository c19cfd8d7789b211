import Metering

/// The rules of `holds.lua` in Swift, to read and to test by. docs/decisions/0015-holds.md gives
/// the reasons.
extension CounterRules {
    /// Answers a call and changes `state` as Redis would.
    public func apply(_ call: HoldCall, to state: inout HeldState) -> HoldReply {
        switch call {
        case .checkOnce(let request, let id): checkOnce(request, id, &state)
        case .reserve(let request, let terms): reserve(request, terms, &state)
        case .commit(let claim, let id, let units):
            settle(claim, id, &state, as: .committed, actual: units ?? -1)
        case .release(let claim, let id): settle(claim, id, &state, as: .released, actual: -1)
        case .refund(let claim, let id, let units): refund(claim, id, units, &state)
        }
    }

    /// Ends holds whose time has passed, and forgets the credits in `done`, which PostgreSQL has
    /// given back.
    public func expire(
        _ claim: HoldClaim, done: [[UInt8]], _ state: inout HeldState
    ) -> (reply: HoldReply, waiting: [WaitingCredit]) {
        switch start(claim, state) {
        case .failure(let refusal): return (refusedHold(refusal.verdict), [])
        case .success(var work):
            let waited = state.holds.holds.filter(\.value.waits).keys
            for field in done where waited.contains(field) {
                work.holds.holds[field] = nil
                work.hasChanged = true
            }
            let reply = HoldReply(outcome: .none, reply: counts(of: work.value))
            write(work, &state)
            let waiting = state.holds.holds.filter(\.value.waits).map { field, hold in
                WaitingCredit(field: field, units: hold.units, period: hold.period)
            }
            return (reply, waiting)
        }
    }

    private func refusedHold(_ verdict: CounterReply.Verdict) -> HoldReply {
        HoldReply(outcome: .none, reply: .noAnswer(verdict, now: now))
    }
}

// MARK: Request ids

extension CounterRules {
    private func checkOnce(
        _ request: CheckRequest, _ id: CallID, _ state: inout HeldState
    ) -> HoldReply {
        guard request.mode != .peek else { return refusedHold(.invalid) }
        let field = [UInt8(ascii: "c")] + id.bytes
        let call = Array(request.encoded.prefix(12))
        if let seen = state.seen.value(of: field, at: now) {
            var peek = request
            (peek.mode, peek.count) = (.peek, 1)
            var reply = check(state.value, peek).reply
            guard reply.verdict == .allowed || reply.verdict == .denied else {
                return HoldReply(outcome: .none, reply: reply)
            }
            guard Array(seen.prefix(12)) == call else {
                return HoldReply(outcome: .otherCall, reply: reply)
            }
            var first = LittleEndianReader(Array(seen.dropFirst(12)))
            (reply.verdict, reply.mask, reply.wait) = (.allowed, 0, 0)
            reply.wouldDeny = UInt32(truncatingIfNeeded: first.integer(bytes: 4) ?? 0)
            reply.admitted = first.integer(bytes: 4) ?? 0
            reply.clean = first.integer(bytes: 4) ?? 0
            return HoldReply(outcome: .counted, isRepeated: true, reply: reply)
        }
        let outcome = check(state.value, request)
        guard let stored = outcome.stored else {
            return HoldReply(outcome: .none, reply: outcome.reply)
        }
        state.value = stored
        guard state.seen.count(at: now) < HoldLimits.callsMax else {
            return HoldReply(outcome: .counted, isForgotten: true, reply: outcome.reply)
        }
        state.seen.remember(field, call + outcome.reply.encoded[8..<20], at: now)
        return HoldReply(outcome: .counted, reply: outcome.reply)
    }
}

// MARK: Reservations

extension CounterRules {
    /// A clinic's counter, holds and ids as a function of reservations works on them.
    private struct Work {
        var value: CounterValue
        var holds: ClinicHolds
        /// Holds that ended and refunds that were given, to be remembered.
        var ended: [(field: [UInt8], end: HoldEnd)] = []
        var hasChanged: Bool
    }

    /// Starts a call: brings the value up to now and ends the holds whose time has passed.
    private func start(_ claim: HoldClaim, _ state: HeldState) -> Result<Work, Refusal> {
        guard claim.notAfter <= 0 || now <= claim.notAfter else {
            return .failure(Refusal(verdict: .expired))
        }
        guard let stored = state.value else { return .failure(Refusal(verdict: .miss)) }
        guard let before = CounterValue(decoding: stored) else {
            return .failure(Refusal(verdict: .unreadable))
        }
        return broughtUp(before, mark: claim.mark, nonce: claim.nonce).map { value in
            var work = Work(
                value: value, holds: state.holds, hasChanged: value.encoded != stored)
            endDue(&work)
            return work
        }
    }

    private func endDue(_ work: inout Work) {
        guard work.holds.ends > 0, now >= work.holds.ends else { return }
        work.hasChanged = true
        for (field, hold) in work.holds.holds where !hold.waits && hold.ends <= now {
            end(hold, at: field, as: .expired, actual: 0, &work)
        }
        work.holds.ends = work.holds.open.map(\.ends).min() ?? 0
    }

    /// Ends an open hold: `actual` units stay used. Returns whether the rest waits for PostgreSQL.
    @discardableResult
    private func end(
        _ hold: ClinicHolds.Hold, at field: [UInt8], as state: HoldReply.Outcome, actual: Int64,
        _ work: inout Work
    ) -> Bool {
        work.holds.takeOpen(field)
        work.hasChanged = true
        let rest = hold.units - actual
        let waits = rest > 0 && !work.value.giveBack(rest, period: hold.period, epoch: hold.epoch)
        if waits {
            var waiting = hold
            (waiting.waits, waiting.units, waiting.ends) = (true, rest, 0)
            work.holds.holds[field] = waiting
        }
        work.ended.append(
            (field, HoldEnd(state: state, waits: waits, units: hold.units, actual: actual)))
        return waits
    }

    private func write(_ work: Work, _ state: inout HeldState) {
        guard work.hasChanged else { return }
        state.value = work.value.encoded
        state.holds = work.holds
        for (field, end) in work.ended where state.seen.count(at: now) < HoldLimits.idsMax {
            state.seen.remember(field, end.encoded, at: now)
        }
    }

    /// How the hold or refund of this field ended, now or before.
    private func end(of field: [UInt8], _ work: Work, _ state: HeldState) -> HoldEnd? {
        work.ended.first { $0.field == field }?.end
            ?? state.seen.value(of: field, at: now).flatMap(HoldEnd.init(decoding:))
    }

    private func counts(of value: CounterValue) -> CounterReply {
        CounterReply(
            verdict: .allowed, flags: value.flags, mask: 0, configVersion: value.version,
            mark: value.mark(seenAt: now), now: now, wait: 0, usage: value.usage,
            quota: value.quota, periodEnd: value.periodEnd, limits: [])
    }

    private func reserve(
        _ request: CheckRequest, _ terms: HoldTerms, _ state: inout HeldState
    ) -> HoldReply {
        guard request.mode == .consume, terms.isInRange else { return refusedHold(.invalid) }
        let claim = HoldClaim(
            mark: request.mark, nonce: request.nonce, notAfter: request.notAfter)
        switch start(claim, state) {
        case .failure(let refusal): return refusedHold(refusal.verdict)
        case .success(var work):
            let field = [UInt8(ascii: "h")] + terms.id.bytes
            if let known = known(field, request, work, state) {
                write(work, &state)
                return known
            }
            if let (outcome, time) = refusal(request.limit, terms, work) {
                write(work, &state)
                return HoldReply(outcome: outcome, time: time, reply: counts(of: work.value))
            }
            var unmarked = request
            unmarked.mark = nil
            let outcome = check(work.value.encoded, unmarked)
            guard let stored = outcome.stored, let value = CounterValue(decoding: stored) else {
                write(work, &state)
                return HoldReply(outcome: .none, reply: outcome.reply)
            }
            let ends = now + terms.timeToLive
            work.value = value
            work.hasChanged = true
            work.holds.add(
                ClinicHolds.Hold(
                    limit: request.limit, waits: false, units: request.cost, period: value.period,
                    epoch: value.epoch, ends: ends), at: field)
            write(work, &state)
            return HoldReply(
                outcome: .reserved, units: request.cost, time: ends, reply: outcome.reply)
        }
    }

    /// The reply to an id that is known already; nil when it is new.
    private func known(
        _ field: [UInt8], _ request: CheckRequest, _ work: Work, _ state: HeldState
    ) -> HoldReply? {
        let reply = counts(of: work.value)
        if let end = end(of: field, work, state) { return end.repeated(reply) }
        guard let hold = work.holds.holds[field] else { return nil }
        if hold.waits {
            return HoldReply(outcome: .expired, isRepeated: true, waits: true, reply: reply)
        }
        let isSame = hold.limit == request.limit && hold.units == request.cost
        return HoldReply(
            outcome: isSame ? .reserved : .otherCall, isRepeated: isSame, units: hold.units,
            time: hold.ends, reply: reply)
    }

    /// Why nothing more may be held, and µs until that can change.
    private func refusal(
        _ limit: UInt16, _ terms: HoldTerms, _ work: Work
    ) -> (HoldReply.Outcome, Int64)? {
        if work.value.version > terms.configVersion { return (.oldLimits, 0) }
        if work.holds.isFull {
            return (.tooMany, work.holds.ends > 0 ? work.holds.ends - now : 0)
        }
        let open = work.holds.open.filter { $0.limit == limit }
        guard let admitted = terms.concurrent, open.count >= admitted else { return nil }
        return (.tooManyOpen, max((open.map(\.ends).min() ?? 0) - now, 0))
    }

    private func settle(
        _ claim: HoldClaim, _ id: CallID, _ state: inout HeldState, as outcome: HoldReply.Outcome,
        actual: Int64
    ) -> HoldReply {
        guard actual >= -1, actual <= CheckRequest.costs.upperBound else {
            return refusedHold(.invalid)
        }
        switch start(claim, state) {
        case .failure(let refusal): return refusedHold(refusal.verdict)
        case .success(var work):
            let field = [UInt8(ascii: "h")] + id.bytes
            var answer = HoldReply(outcome: .unknown, reply: counts(of: work.value))
            if let end = end(of: field, work, state) {
                answer = end.repeated(answer.reply)
            } else if let hold = work.holds.holds[field] {
                if hold.waits {
                    (answer.outcome, answer.isRepeated, answer.waits) = (.expired, true, true)
                } else if actual > hold.units {
                    (answer.outcome, answer.units) = (.tooMuch, hold.units)
                } else {
                    let kept = outcome == .released ? 0 : actual < 0 ? hold.units : actual
                    answer.waits = end(hold, at: field, as: outcome, actual: kept, &work)
                    (answer.outcome, answer.units) = (outcome, kept)
                    answer.reply = counts(of: work.value)
                }
            }
            write(work, &state)
            return answer
        }
    }

    private func refund(
        _ claim: HoldClaim, _ id: CallID, _ units: Int64, _ state: inout HeldState
    ) -> HoldReply {
        guard CheckRequest.costs.contains(units) else { return refusedHold(.invalid) }
        switch start(claim, state) {
        case .failure(let refusal): return refusedHold(refusal.verdict)
        case .success(var work):
            let field = [UInt8(ascii: "r")] + id.bytes
            var answer = HoldReply(outcome: .refunded, reply: counts(of: work.value))
            let isFull = state.seen.count(at: now) + work.ended.count >= HoldLimits.idsMax
            let left = work.value.used - work.value.credited - work.holds.units
            if let end = end(of: field, work, state) {
                let isSame = end.units == units
                answer.outcome = isSame ? .refunded : .otherCall
                (answer.isRepeated, answer.waits) = (isSame, isSame && end.waits)
            } else if work.holds.holds[field] != nil {
                (answer.isRepeated, answer.waits) = (true, true)
            } else if isFull {
                answer.outcome = .tooMany
            } else if units > work.value.base + left {
                answer.outcome = .tooMuch
            } else if units > left, work.holds.isFull {
                answer.outcome = .tooMany
            } else {
                answer.waits = units > left
                if answer.waits {
                    work.holds.holds[field] = ClinicHolds.Hold(
                        limit: 0, waits: true, units: units, period: work.value.period,
                        epoch: work.value.epoch, ends: 0)
                } else {
                    work.value.credited += units
                }
                work.hasChanged = true
                work.ended.append(
                    (
                        field,
                        HoldEnd(state: .refunded, waits: answer.waits, units: units, actual: 0)
                    ))
                answer.reply = counts(of: work.value)
            }
            if answer.outcome == .refunded { answer.units = units }
            write(work, &state)
            return answer
        }
    }
}

/// What is remembered of a hold or a refund.
private struct HoldEnd {
    var state: HoldReply.Outcome
    var waits: Bool
    var units: Int64
    var actual: Int64

    init(state: HoldReply.Outcome, waits: Bool, units: Int64, actual: Int64) {
        (self.state, self.waits, self.units, self.actual) = (state, waits, units, actual)
    }

    init?(decoding bytes: [UInt8]) {
        var reader = LittleEndianReader(bytes)
        guard let state = reader.byte().flatMap(HoldReply.Outcome.init(rawValue:)),
            let waits = reader.byte(), let units = reader.integer(bytes: 4),
            let actual = reader.integer(bytes: 4)
        else { return nil }
        self.init(state: state, waits: waits & 4 != 0, units: units, actual: actual)
    }

    /// 10 bytes: B state, B 4 = waits, I4 units, I4 of them that stay used.
    var encoded: [UInt8] {
        var writer = LittleEndianWriter(capacity: 10)
        writer.write([state.rawValue, waits ? 4 : 0])
        writer.write(units, bytes: 4)
        writer.write(actual, bytes: 4)
        return writer.bytes
    }

    func repeated(_ reply: CounterReply) -> HoldReply {
        HoldReply(
            outcome: state, isRepeated: true, waits: waits, units: actual, reply: reply)
    }
}

extension CounterValue {
    /// Gives units back to the count they were used in, never below nothing; false when the value
    /// no longer has it. A closed count that PostgreSQL had confirmed has to be confirmed again.
    mutating func giveBack(_ units: Int64, period: Int64, epoch: Epoch) -> Bool {
        if period == self.period, epoch == self.epoch {
            credited += max(0, min(units, used - credited))
            return true
        }
        guard
            let index = closed.firstIndex(where: { $0.period == period && $0.epoch == epoch })
        else { return false }
        let given = max(0, min(units, closed[index].used - closed[index].credited))
        closed[index].credited += given
        if given > 0 { closed[index].isSettled = false }
        if period == self.period { base -= given }
        return true
    }
}
