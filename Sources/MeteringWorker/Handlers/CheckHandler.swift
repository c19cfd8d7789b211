import Admission
import HTTPServer
import Metering
import Quotas

/// Handles a check, independently of a server framework: bytes in, a response out.
///
/// The first that applies decides: 400, 401, 403, 404, 402, 409, 429, 503.
struct CheckHandler: Sendable {
    let gate: QuotaGate
    let advisor: CapacityReader
    let batches: BatchSlots
    let keys: KeyRing

    var routes: [Route] {
        [
            .keyed(
                "POST", "/v1/check", scope: .check, in: keys,
                bodyBytesMax: CheckCall.bodyBytesMax, check),
            .keyed(
                "POST", "/v1/checks", scope: .check, in: keys,
                bodyBytesMax: BatchCall.bodyBytesMax, checkMany),
            .keyed("GET", "/v1/clinics/{id}/usage", scope: .usage, in: keys, usage),
        ]
    }

    /// `POST /v1/check`
    @Sendable private func check(_ call: RouteCall) throws(Problem) -> Route.Work {
        let call = try CheckCall(body: call.body)
        return { (owner) async throws(Problem) -> APIResponse in
            try owner.mustSee(call.clinic)
            if let counter = call.counter { return try await advise(call, on: counter) }
            if let name = call.requestID { return try await once(call, named: name) }
            return answer(try await decide(call), to: call)
        }
    }

    /// `GET /v1/clinics/{id}/usage`: the same numbers, counting nothing.
    @Sendable private func usage(_ call: RouteCall) throws(Problem) -> Route.Work {
        let clinic = try call.clinic()
        return { (owner) async throws(Problem) -> APIResponse in
            try owner.mustSee(clinic)
            let decision = try await decide(CheckCall(peekAt: clinic))
            let denials = gate.denials.denials(of: clinic)
            return APIResponse(
                status: 200, json: UsageDocument(decision, of: clinic, denials: denials))
        }
    }

    func decide(_ call: CheckCall) async throws(Problem) -> QuotaDecision {
        try decision(await result(of: call), of: call)
    }

    /// Nil when the clinic's plan has no limit of the requested name.
    func decideIfLimited(_ call: CheckCall) async throws(Problem) -> QuotaDecision? {
        let answer = await result(of: call)
        if case .success(.noSuchLimit) = answer { return nil }
        return try decision(answer, of: call)
    }

    private func result(of call: CheckCall) async -> Result<QuotaAnswer, QuotaError> {
        do throws(QuotaError) {
            return .success(
                try await gate.check(
                    call.clinic, limit: call.limit, cost: call.cost, mode: call.mode,
                    writes: call.writes))
        } catch {
            return .failure(error)
        }
    }

    func decision(
        _ answer: Result<QuotaAnswer, QuotaError>, of call: CheckCall
    ) throws(Problem) -> QuotaDecision {
        switch answer {
        case .success(.decided(let decision)): return decision
        case .success(.unknownClinic): throw .unknownClinic
        case .success(.noSuchLimit): throw .noSuchLimit(call.limit)
        case .failure(let error): throw .unavailable("\(error)")
        }
    }

    /// A call that is counted once under its name.
    func once(_ call: CheckCall, named name: String) async throws(Problem) -> APIResponse {
        let reply: OnceAnswer
        do throws(QuotaError) {
            reply = try await gate.check(
                call.clinic, limit: call.limit, cost: call.cost, mode: call.mode,
                writes: call.writes, requestID: CallID(.request, named: name))
        } catch {
            throw .unavailable(error)
        }
        let decision = try decision(.success(reply.answer), of: call)
        guard reply.memory != .otherCall else { throw .idOfAnother("request_id") }
        return answer(decision, to: call, memory: reply.memory)
    }

    /// PostgreSQL counts users, patients and storage, so this sends nothing to Redis and counts
    /// nothing.
    func advise(
        _ call: CheckCall, on counter: LimitCounter, within patience: Duration? = nil
    ) async throws(Problem) -> APIResponse {
        guard let capacity = try await capacity(of: call.clinic, within: patience) else {
            throw .unknownClinic
        }
        return APIResponse(CapacityAnswer(capacity, of: counter, cost: call.cost), of: call.clinic)
    }

    /// Nil when there is no such clinic.
    func capacity(
        of clinic: ClinicID, within patience: Duration? = nil
    ) async throws(Problem) -> ClinicCapacity? {
        do throws(QuotaError) {
            return try await advisor.capacity(of: clinic, within: patience)
        } catch {
            throw .unavailable(error)
        }
    }

    func answer(
        _ decision: QuotaDecision, to call: CheckCall, memory: OnceAnswer.Memory? = nil
    ) -> APIResponse {
        var document = DecisionDocument(decision, of: call.clinic, mode: call.mode)
        if memory == .repeated { document.repeated = true }
        if memory == .forgotten { document.remembered = false }
        var answer = APIResponse(document)
        answer.fields += RateLimitFields.fields(decision)
        return answer
    }
}

extension Problem {
    fileprivate static func unavailable(_ error: QuotaError) -> Problem {
        var problem = unavailable("\(error)")
        problem.isStoreUnavailable = error.isStoreUnavailable
        return problem
    }
}

extension CheckCall {
    init(peekAt clinic: ClinicID) {
        self.clinic = clinic
        mode = .peek
    }
}
