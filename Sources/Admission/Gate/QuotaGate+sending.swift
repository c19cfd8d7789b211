public import Metering
public import Quotas

extension QuotaGate {
    public typealias Answer = Result<QuotaAnswer, QuotaError>

    /// Sends a check to the counter store, unless the store is unavailable, and tells the fallback
    /// how the store does.
    func send(_ check: Check, then completion: @escaping @Sendable (Received) -> Void) {
        if let reply = denialCache?.denial(of: check) {
            return completion(.decided(.success(.decided(repeated(reply, to: check)))))
        }
        let sentAt = denialCache?.now ?? 0
        var request = request(check)
        guard let fallback else {
            return counters.check(check.clinic, request) { [denialCache] result in
                switch result {
                case .success(let reply):
                    denialCache?.record(reply, to: check, sentAt: sentAt)
                    completion(.reply(reply))
                case .failure(let error): completion(.decided(.failure(error)))
                }
            }
        }
        guard !fallback.isRedisUnavailable else {
            let error = QuotaError.countersUnavailable("it is unavailable")
            return decideLocally(check, request, after: error) { completion(.decided($0)) }
        }
        let uptime = fallback.uptime
        request.notAfter = fallback.notAfter(sentAt: uptime)
        counters.check(check.clinic, request) { [request] result in
            switch result {
            case .success(let reply):
                fallback.redisReplied(at: reply.now, sentAt: uptime)
                self.denialCache?.record(reply, to: check, sentAt: sentAt)
                if self.learnsFromReplies { fallback.learn(reply, of: check.clinic) }
                completion(.reply(reply))
            case .failure(let error):
                if error.isStoreUnavailable { fallback.redisFailed(error) }
                self.decideLocally(check, request, after: error) { completion(.decided($0)) }
            }
        }
    }

    func send(_ check: Check) async -> Received {
        await withCheckedContinuation { continuation in
            send(check) { continuation.resume(returning: $0) }
        }
    }

    /// The decision of a repeated denial. Its mark is old, so nothing else of the reply is
    /// recorded.
    private func repeated(_ reply: CounterReply, to check: Check) -> QuotaDecision {
        let decision = QuotaDecision(
            reply, named: LimitID.group(of: check.limit), mode: check.mode,
            units: check.cost, name: names.name(of:))
        denials.record(decision, of: check.clinic)
        return decision
    }
}

// MARK: Without the counter store

extension QuotaGate {
    /// Answers without the counter store, or says why there is no answer. A check of a known clinic
    /// is answered before this returns.
    private func decideLocally(
        _ check: Check, _ request: CheckRequest, after error: QuotaError,
        then completion: @escaping @Sendable (Answer) -> Void
    ) {
        guard let fallback, error.isStoreUnavailable else { return completion(.failure(error)) }
        let decision = fallback.decide(
            check.clinic, request, after: error, name: names.name(of:))
        guard decision == .unknownClinic else {
            return completion(answer(to: check, from: decision, after: error))
        }
        Task { completion(await decideUnknownClinic(check, request, after: error, fallback)) }
    }

    func decideLocally(
        _ check: Check, _ request: CheckRequest, after error: QuotaError
    ) async -> Answer {
        await withCheckedContinuation { continuation in
            decideLocally(check, request, after: error) { continuation.resume(returning: $0) }
        }
    }

    /// Reads a clinic that the fallback does not know from PostgreSQL; decides without any terms
    /// when PostgreSQL is unavailable too.
    private func decideUnknownClinic(
        _ check: Check, _ request: CheckRequest, after error: QuotaError, _ fallback: Fallback
    ) async -> Answer {
        let clinic = check.clinic
        do throws(QuotaError) {
            guard try await loader.lookUp(clinic, after: error) else {
                fallback.endUndecided(clinic, request, after: error)
                return .success(.unknownClinic)
            }
            let decision = fallback.decide(clinic, request, after: error, name: names.name(of:))
            return answer(to: check, from: decision, after: error)
        } catch let other {
            // PostgreSQL is available, but this lookup exceeds the rate of unknown ids.
            guard other.isStoreUnavailable else {
                fallback.endUndecided(clinic, request, after: error)
                return .failure(other)
            }
            let decision = fallback.decideBlind(clinic, request, after: error)
            return answer(to: check, from: decision, after: error)
        }
    }

    private func answer(
        to check: Check, from decision: FallbackCounters.Decision, after error: QuotaError
    ) -> Answer {
        guard case .answer(let answer, _) = decision else { return .failure(error) }
        if case .decided(let decided) = answer, check.mode != .peek {
            denials.record(decided, of: check.clinic)
        }
        return .success(answer)
    }

    /// Keeps what PostgreSQL said about a clinic for the time when its counter is unavailable.
    ///
    /// - Parameter delivered: Units of this process's journal that the adjustments include.
    public func learn(
        _ terms: ClinicTerms, of clinic: ClinicID, including delivered: [Month: Int64] = [:]
    ) {
        if let plan = terms.plan { names.learn(plan) }
        fallback?.learn(terms, of: clinic, including: delivered)
    }

    /// The clock of the counter store, as far as it is known without a call, µs since 1970; nil
    /// without a fallback.
    public var storeTime: Int64? { fallback?.storeTime }
}
