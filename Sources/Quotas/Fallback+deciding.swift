public import Metering
import Synchronization

extension Fallback {
    /// Decides a call that Redis did not answer.
    ///
    /// - Parameter error: Why; it also tells whether Redis may have counted the call.
    func decide(
        _ clinic: ClinicID, _ request: CheckRequest, after error: QuotaError,
        name: (LimitID) -> String
    ) -> FallbackCounters.Decision {
        let question = question(clinic, request)
        let decision = state.withLock { state in
            state.book.decide(question, workers: state.workers, name: name)
        }
        // A clinic that nobody knows is decided in a second step, with the same call.
        if decision != .stranger { settle(decision, question, after: error) }
        return decision
    }

    /// Decides a call of a clinic of which nothing is known, when PostgreSQL cannot be asked either.
    func decideBlind(
        _ clinic: ClinicID, _ request: CheckRequest, after error: QuotaError
    ) -> FallbackCounters.Decision {
        let question = question(clinic, request)
        let decision = state.withLock { $0.book.decideBlind(question) }
        settle(decision, question, after: error)
        return decision
    }

    /// A call ended without any decision, though Redis may have counted it.
    func giveUp(_ clinic: ClinicID, _ request: CheckRequest, after error: QuotaError) {
        settle(.refused, question(clinic, request), after: error)
    }

    private func question(_ clinic: ClinicID, _ request: CheckRequest) -> FallbackCounters.Question
    {
        let mark = marks.mark(of: clinic)
        return FallbackCounters.Question(
            clinic: clinic, request: request, mark: mark, now: storeTime, uptime: uptime,
            isOutage: isRedisUnavailable)
    }

    /// What was let through goes to the journal, unless Redis may have counted it: then Redis is heard first.
    private func settle(
        _ decision: FallbackCounters.Decision, _ question: FallbackCounters.Question,
        after error: QuotaError
    ) {
        var units: Int64 = 0
        var isAllowed: Bool?
        if case .answer(let answer, let counted) = decision {
            units = counted
            if case .decided(let decided) = answer { isAllowed = decided.isAllowed }
        }
        let month = Month(containing: question.now)
        let mayHaveCounted = error.mayHaveCounted && question.request.mode != .peek
        let told: Owed? = state.withLock { state in
            if isAllowed == true { state.tally.allowed += 1 }
            if isAllowed == false { state.tally.denied += 1 }
            guard mayHaveCounted else { return nil }
            if error.isOwed {
                if let told = state.owed.removeValue(forKey: question.request.nonce) {
                    return told
                }
                if state.owed.count < Self.owedMax {
                    state.owed[question.request.nonce] = .decided(month, units: units)
                    state.owedUnits += units
                    return nil
                }
            }
            state.noteAmbiguous(units, of: question.clinic, in: month)
            return nil
        }
        if !mayHaveCounted {
            keep(question.clinic, month, units)
        } else if case .told(let fate) = told {
            settle(question.clinic, question.request, month, units, fate)
        }
    }

    private func settle(
        _ clinic: ClinicID, _ request: CheckRequest, _ month: Month?, _ units: Int64,
        _ fate: CallOutcome
    ) {
        var counted: Int64 = 0
        switch fate {
        case .unknown:
            return state.withLock { $0.noteAmbiguous(units, of: clinic, in: month) }
        case .refused: break
        case .replied(let reply):
            if reply.verdict == .allowed || reply.verdict == .denied {
                marks.record(
                    reply.mark, of: clinic, pace: MarkPlausibility.Pace(reply.limits))
            }
            counted = request.units(countedBy: reply)
            // More than was let through for this call is not carried for it.
            let known = min(counted, units)
            if let month { state.withLock { $0.book.settle(known, of: clinic, in: month) } }
        }
        if counted < units {
            keep(clinic, month, units - counted)
        } else if counted > units {
            state.withLock { $0.tally.excess += counted - units }
        }
    }

    private func keep(_ clinic: ClinicID, _ month: Month?, _ units: Int64) {
        guard units > 0 else { return }
        let isKept = month.flatMap { journal?.append(clinic, $0, units: units) } ?? false
        state.withLock { state in
            if isKept {
                state.tally.journaled += units
            } else {
                state.tally.unkept += units
                if let month { state.book.settle(units, of: clinic, in: month) }
            }
        }
    }
}

extension Fallback.State {
    /// Nobody can say whether Redis counted them.
    fileprivate mutating func noteAmbiguous(
        _ units: Int64, of clinic: ClinicID, in month: Month?
    ) {
        tally.ambiguous += units
        if let month { book.settle(units, of: clinic, in: month) }
    }
}

extension Fallback: LateReplyObserver {
    public func late(_ clinic: ClinicID, _ request: CheckRequest, _ fate: CallOutcome) {
        guard request.mode != .peek else { return }
        let owed: Owed? = state.withLock { state in
            if let owed = state.owed.removeValue(forKey: request.nonce) { return owed }
            if state.owed.count < Self.owedMax { state.owed[request.nonce] = .told(fate) }
            return nil
        }
        guard case .decided(let month, let units) = owed else { return }
        settle(clinic, request, month, units, fate)
        // Only now, or the process could end between the two.
        state.withLock { $0.owedUnits -= units }
    }
}

extension Fallback {
    /// Waits until Redis said of every call whether it counted it, at most for `time`: before the process ends. What is
    /// owed then is in the bound.
    public func awaitLateReplies(within time: Duration) async {
        let end = ContinuousClock.now + time
        while state.withLock({ $0.owedUnits }) > 0, ContinuousClock.now < end {
            guard (try? await Task.sleep(for: .milliseconds(20))) != nil else { return }
        }
    }
}

// MARK: PostgreSQL

extension Fallback {
    /// Whether PostgreSQL may be asked about a clinic now: while it is silent, only now and then.
    var mayAskDatabase: Bool {
        let now = uptime
        return state.withLock { state in
            !state.database.isOpen || state.database.takeProbe(at: now)
        }
    }

    func databaseAnswered(_ isGood: Bool) {
        let now = uptime
        state.withLock { state in
            if state.database.probed(isGood: isGood, at: now) || isGood {
                state.database.succeeded()
            } else {
                _ = state.database.failed(at: now)
            }
        }
    }
}
