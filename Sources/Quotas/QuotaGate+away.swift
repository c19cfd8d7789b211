public import Metering

/// What asking the counter store brought.
enum Heard: Sendable {
    case reply(CounterReply)
    /// The store gave none, and this is the answer all the same, or why there is none.
    case answer(QuotaGate.Answer)
}

extension QuotaGate {
    /// Asks the counter store, unless it is away, and lets the desk know how it fared.
    func ask(_ question: ClinicQuestion, then hear: @escaping @Sendable (Heard) -> Void) {
        if let reply = recent?.denial(of: question) {
            return hear(.answer(.success(.decided(deniedAgain(question, reply)))))
        }
        let askedAt = recent?.now ?? 0
        var request = request(question)
        guard let away else {
            return counters.check(question.clinic, request) { [recent] result in
                switch result {
                case .success(let reply):
                    recent?.note(reply, to: question, askedAt: askedAt)
                    hear(.reply(reply))
                case .failure(let error): hear(.answer(.failure(error)))
                }
            }
        }
        guard !away.isRedisAway else {
            return decideAlone(question, request, after: .countersAway("it is away")) {
                hear(.answer($0))
            }
        }
        let sentAt = away.uptime
        request.notAfter = away.notAfter(sentAt: sentAt)
        counters.check(question.clinic, request) { [request] result in
            switch result {
            case .success(let reply):
                away.answered(reply.now, sentAt: sentAt)
                self.recent?.note(reply, to: question, askedAt: askedAt)
                if self.learnsFromReplies { away.learn(reply, of: question.clinic) }
                hear(.reply(reply))
            case .failure(let error):
                if error.isStoreAway { away.failed(error) }
                self.decideAlone(question, request, after: error) { hear(.answer($0)) }
            }
        }
    }

    /// The mark of such a reply is no news, so the reply goes no further.
    private func deniedAgain(_ question: ClinicQuestion, _ reply: CounterReply) -> QuotaDecision {
        let decision = QuotaDecision(
            reply, asked: LimitID.group(of: question.limit), mode: question.mode,
            units: question.cost, name: names.name(of:))
        denials.record(decision, of: question.clinic)
        return decision
    }

    func asked(_ question: ClinicQuestion) async -> Heard {
        await withCheckedContinuation { continuation in
            ask(question) { continuation.resume(returning: $0) }
        }
    }

    /// Answers without the counter store, or says why there is no answer. At once for a clinic that is known.
    private func decideAlone(
        _ question: ClinicQuestion, _ request: CheckRequest, after error: QuotaError,
        then answer: @escaping @Sendable (Answer) -> Void
    ) {
        guard let away, error.isStoreAway else { return answer(.failure(error)) }
        let decision = away.decide(
            question.clinic, request, after: error, name: names.name(of:))
        guard decision == .stranger else {
            return answer(self.answer(decision, of: question, after: error))
        }
        Task { answer(await decideStranger(question, request, after: error, away)) }
    }

    func decideAlone(
        _ question: ClinicQuestion, _ request: CheckRequest, after error: QuotaError
    ) async -> Answer {
        await withCheckedContinuation { continuation in
            decideAlone(question, request, after: error) { continuation.resume(returning: $0) }
        }
    }

    /// Asks PostgreSQL about a clinic of which nothing is known; when that is silent too, decides without.
    private func decideStranger(
        _ question: ClinicQuestion, _ request: CheckRequest, after error: QuotaError,
        _ away: AwayDesk
    ) async -> Answer {
        let clinic = question.clinic
        do throws(QuotaError) {
            guard try await loader.meet(clinic, after: error) else {
                away.giveUp(clinic, request, after: error)
                return .success(.unknownClinic)
            }
            let decision = away.decide(clinic, request, after: error, name: names.name(of:))
            return answer(decision, of: question, after: error)
        } catch let other {
            // PostgreSQL answers, and is not asked more often than it may be.
            guard other.isStoreAway else {
                away.giveUp(clinic, request, after: error)
                return .failure(other)
            }
            let decision = away.decideBlind(clinic, request, after: error)
            return answer(decision, of: question, after: error)
        }
    }

    private func answer(
        _ decision: AwayBook.Decision, of question: ClinicQuestion, after error: QuotaError
    ) -> Answer {
        guard case .answer(let answer, _) = decision else { return .failure(error) }
        if case .decided(let decided) = answer, question.mode != .peek {
            denials.record(decided, of: question.clinic)
        }
        return .success(answer)
    }

    /// Every clinic was learnt: ids that were not among them are strangers.
    public func noteAllLearnt() { loader.endOpening() }

    /// What PostgreSQL said of a clinic, for the time when its counter cannot be asked.
    public func learn(_ settings: ClinicSettings, of clinic: ClinicID) {
        learn(settings, of: clinic, including: [:])
    }

    /// The same, when its adjustments include units of this process's journal.
    public func learn(
        _ settings: ClinicSettings, of clinic: ClinicID, including delivered: [Month: Int64]
    ) {
        if let plan = settings.plan { names.learn(plan) }
        away?.learn(settings, of: clinic, including: delivered)
    }

    /// The clock of the counter store as far as it is known without asking it, µs since 1970; nil without a desk.
    public var storeTime: Int64? { away?.storeTime }
}
