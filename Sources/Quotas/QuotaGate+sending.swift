public import Metering

/// What asking the counter store brought.
enum Heard: Sendable {
    case reply(CounterReply)
    /// The store gave none, and this is the answer all the same, or why there is none.
    case answer(QuotaGate.Answer)
}

extension QuotaGate {
    /// Asks the counter store, unless it is away, and lets the desk know how it fared.
    func ask(_ question: Check, then hear: @escaping @Sendable (Heard) -> Void) {
        if let reply = recent?.denial(of: question) {
            return hear(.answer(.success(.decided(deniedAgain(question, reply)))))
        }
        let askedAt = recent?.now ?? 0
        var request = request(question)
        guard let fallback else {
            return counters.check(question.clinic, request) { [recent] result in
                switch result {
                case .success(let reply):
                    recent?.note(reply, to: question, askedAt: askedAt)
                    hear(.reply(reply))
                case .failure(let error): hear(.answer(.failure(error)))
                }
            }
        }
        guard !fallback.isRedisUnavailable else {
            return decideAlone(question, request, after: .countersUnavailable("it is away")) {
                hear(.answer($0))
            }
        }
        let sentAt = fallback.uptime
        request.notAfter = fallback.notAfter(sentAt: sentAt)
        counters.check(question.clinic, request) { [request] result in
            switch result {
            case .success(let reply):
                fallback.answered(reply.now, sentAt: sentAt)
                self.recent?.note(reply, to: question, askedAt: askedAt)
                if self.learnsFromReplies { fallback.learn(reply, of: question.clinic) }
                hear(.reply(reply))
            case .failure(let error):
                if error.isStoreUnavailable { fallback.failed(error) }
                self.decideAlone(question, request, after: error) { hear(.answer($0)) }
            }
        }
    }

    /// The mark of such a reply is no news, so the reply goes no further.
    private func deniedAgain(_ question: Check, _ reply: CounterReply) -> QuotaDecision {
        let decision = QuotaDecision(
            reply, asked: LimitID.group(of: question.limit), mode: question.mode,
            units: question.cost, name: names.name(of:))
        denials.record(decision, of: question.clinic)
        return decision
    }

    func asked(_ question: Check) async -> Heard {
        await withCheckedContinuation { continuation in
            ask(question) { continuation.resume(returning: $0) }
        }
    }

    /// Answers without the counter store, or says why there is no answer. At once for a clinic that is known.
    private func decideAlone(
        _ question: Check, _ request: CheckRequest, after error: QuotaError,
        then answer: @escaping @Sendable (Answer) -> Void
    ) {
        guard let fallback, error.isStoreUnavailable else { return answer(.failure(error)) }
        let decision = fallback.decide(
            question.clinic, request, after: error, name: names.name(of:))
        guard decision == .stranger else {
            return answer(self.answer(decision, of: question, after: error))
        }
        Task { answer(await decideStranger(question, request, after: error, fallback)) }
    }

    func decideAlone(
        _ question: Check, _ request: CheckRequest, after error: QuotaError
    ) async -> Answer {
        await withCheckedContinuation { continuation in
            decideAlone(question, request, after: error) { continuation.resume(returning: $0) }
        }
    }

    /// Asks PostgreSQL about a clinic of which nothing is known; when that is silent too, decides without.
    private func decideStranger(
        _ question: Check, _ request: CheckRequest, after error: QuotaError,
        _ fallback: Fallback
    ) async -> Answer {
        let clinic = question.clinic
        do throws(QuotaError) {
            guard try await loader.meet(clinic, after: error) else {
                fallback.giveUp(clinic, request, after: error)
                return .success(.unknownClinic)
            }
            let decision = fallback.decide(clinic, request, after: error, name: names.name(of:))
            return answer(decision, of: question, after: error)
        } catch let other {
            // PostgreSQL answers, and is not asked more often than it may be.
            guard other.isStoreUnavailable else {
                fallback.giveUp(clinic, request, after: error)
                return .failure(other)
            }
            let decision = fallback.decideBlind(clinic, request, after: error)
            return answer(decision, of: question, after: error)
        }
    }

    private func answer(
        _ decision: FallbackCounters.Decision, of question: Check, after error: QuotaError
    ) -> Answer {
        guard case .answer(let answer, _) = decision else { return .failure(error) }
        if case .decided(let decided) = answer, question.mode != .peek {
            denials.record(decided, of: question.clinic)
        }
        return .success(answer)
    }

    /// Every clinic was learnt: ids that were not among them are strangers.
    public func endOpening() { loader.endOpening() }

    /// What PostgreSQL said of a clinic, for the time when its counter cannot be asked.
    public func learn(_ settings: ClinicTerms, of clinic: ClinicID) {
        learn(settings, of: clinic, including: [:])
    }

    /// The same, when its adjustments include units of this process's journal.
    public func learn(
        _ settings: ClinicTerms, of clinic: ClinicID, including delivered: [Month: Int64]
    ) {
        if let plan = settings.plan { names.learn(plan) }
        fallback?.learn(settings, of: clinic, including: delivered)
    }

    /// The clock of the counter store as far as it is known without asking it, µs since 1970; nil without a desk.
    public var storeTime: Int64? { fallback?.storeTime }
}
