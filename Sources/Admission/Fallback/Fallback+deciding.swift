public import Metering
public import Quotas
import Synchronization

extension Fallback {
    /// Decides a call that Redis did not answer. A decision `unknownClinic` leaves the call open:
    /// the gate reads the clinic and decides again.
    ///
    /// - Parameter error: Why Redis did not answer, and whether it may have counted the call.
    func decide(
        _ clinic: ClinicID, _ request: CheckRequest, after error: QuotaError,
        name: (LimitID) -> String
    ) -> FallbackCounters.Decision {
        let call = call(clinic, request)
        let decision = state.withLock { state in
            state.counters.decide(call, workers: state.workers, name: name)
        }
        if decision != .unknownClinic { account(for: decision, of: call, after: error) }
        return decision
    }

    /// Decides a call of a clinic whose terms no available store has.
    func decideBlind(
        _ clinic: ClinicID, _ request: CheckRequest, after error: QuotaError
    ) -> FallbackCounters.Decision {
        let call = call(clinic, request)
        let decision = state.withLock { $0.counters.decideBlind(call) }
        account(for: decision, of: call, after: error)
        return decision
    }

    /// A call ended without a decision, although Redis may have counted it.
    func endUndecided(_ clinic: ClinicID, _ request: CheckRequest, after error: QuotaError) {
        account(for: .refused, of: call(clinic, request), after: error)
    }

    private func call(_ clinic: ClinicID, _ request: CheckRequest) -> FallbackCounters.Call {
        FallbackCounters.Call(
            clinic: clinic, request: request, mark: marks.mark(of: clinic), now: storeTime,
            uptime: uptime, isOutage: isRedisUnavailable)
    }

    /// Puts admitted units into the journal, unless Redis may have counted the call: then its reply
    /// is awaited first.
    private func account(
        for decision: FallbackCounters.Decision, of call: FallbackCounters.Call,
        after error: QuotaError
    ) {
        var units: Int64 = 0
        var isAllowed: Bool?
        if case .answer(let answer, let counted) = decision {
            units = counted
            if case .decided(let decided) = answer { isAllowed = decided.isAllowed }
        }
        let month = Month(containing: call.now)
        let mayHaveCounted = error.mayHaveCounted && call.request.mode != .peek
        let replied: CallOutcome? = state.withLock { state in
            if isAllowed == true { state.stats.allowed += 1 }
            if isAllowed == false { state.stats.denied += 1 }
            guard mayHaveCounted else { return nil }
            if error.isReplyPending {
                if case .replied(let outcome)? = state.pending.removeValue(
                    forKey: call.request.nonce)
                {
                    return outcome
                }
                if state.pending.count < Self.pendingMax {
                    state.pending[call.request.nonce] = .decided(month, units: units)
                    state.pendingUnits += units
                    return nil
                }
            }
            state.noteAmbiguous(units, of: call.clinic, in: month)
            return nil
        }
        if !mayHaveCounted {
            keep(call.clinic, month, units)
        } else if let replied {
            settle(call.clinic, call.request, month, units, replied)
        }
    }

    /// Compares what this process admitted for a call with what Redis counted of it.
    private func settle(
        _ clinic: ClinicID, _ request: CheckRequest, _ month: Month?, _ units: Int64,
        _ outcome: CallOutcome
    ) {
        var counted: Int64 = 0
        switch outcome {
        case .unknown:
            return state.withLock { $0.noteAmbiguous(units, of: clinic, in: month) }
        case .refused: break
        case .replied(let reply):
            if reply.verdict == .allowed || reply.verdict == .denied {
                marks.record(
                    reply.mark, of: clinic, pace: MarkPlausibility.Pace(reply.limits))
            }
            counted = request.units(countedBy: reply)
            // No more than was admitted for this call is carried for it.
            let known = min(counted, units)
            if let month { state.withLock { $0.counters.settle(known, of: clinic, in: month) } }
        }
        if counted < units {
            keep(clinic, month, units - counted)
        } else if counted > units {
            state.withLock { $0.stats.excess += counted - units }
        }
    }

    private func keep(_ clinic: ClinicID, _ month: Month?, _ units: Int64) {
        guard units > 0 else { return }
        let isKept = month.flatMap { journal?.append(clinic, $0, units: units) } ?? false
        state.withLock { state in
            if isKept {
                state.stats.journaled += units
            } else {
                state.stats.unkept += units
                if let month { state.counters.settle(units, of: clinic, in: month) }
            }
        }
    }
}

extension Fallback.State {
    /// Whether Redis counted these units will never be known.
    fileprivate mutating func noteAmbiguous(
        _ units: Int64, of clinic: ClinicID, in month: Month?
    ) {
        stats.ambiguous += units
        if let month { counters.settle(units, of: clinic, in: month) }
    }
}

extension Fallback: LateReplyObserver {
    public func late(_ clinic: ClinicID, _ request: CheckRequest, _ outcome: CallOutcome) {
        guard request.mode != .peek else { return }
        let pending: PendingCall? = state.withLock { state in
            if let pending = state.pending.removeValue(forKey: request.nonce) { return pending }
            if state.pending.count < Self.pendingMax {
                state.pending[request.nonce] = .replied(outcome)
            }
            return nil
        }
        guard case .decided(let month, let units) = pending else { return }
        settle(clinic, request, month, units, outcome)
        // Only now, because the process could end between the two.
        state.withLock { $0.pendingUnits -= units }
    }
}

extension Fallback {
    /// Waits until every pending call has its reply, at most for `time`, before the process ends.
    /// Calls that are pending after that are in the bound.
    public func awaitLateReplies(within time: Duration) async {
        let end = ContinuousClock.now + time
        while state.withLock({ $0.pendingUnits }) > 0, ContinuousClock.now < end {
            guard (try? await Task.sleep(for: .milliseconds(20))) != nil else { return }
        }
    }
}
