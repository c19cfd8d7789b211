import Metering
import Quotas

/// What a check does, free of any server framework: bytes in, an answer out.
///
/// The first that applies decides: 400, 401, 403, 404, 402, 409, 429, 503.
struct CheckDoor: Sendable {
    let gate: QuotaGate
    let advisor: RoomAdvisor

    var routes: [Route] {
        [
            .keyed(
                "POST", "/v1/check", scope: .check, bodyBytesMax: CheckCall.bodyBytesMax, check),
            .keyed(
                "POST", "/v1/checks", scope: .check, bodyBytesMax: BatchCall.bodyBytesMax,
                checkMany),
            .keyed("GET", "/v1/clinics/{id}/usage", scope: .usage, usage),
        ]
    }

    /// `POST /v1/check`
    @Sendable private func check(_ call: RouteCall) throws(Problem) -> Route.Work {
        let call = try CheckCall(body: call.body)
        return { (holder) async throws(Problem) -> HTTPAnswer in
            try holder.mustSee(call.clinic)
            if let counter = call.counter { return try await advise(call, on: counter) }
            return answer(try await decide(call), of: call.clinic)
        }
    }

    /// `GET /v1/clinics/{id}/usage`: the same numbers, counting nothing.
    @Sendable private func usage(_ call: RouteCall) throws(Problem) -> Route.Work {
        let clinic = try call.clinic()
        return { (holder) async throws(Problem) -> HTTPAnswer in
            try holder.mustSee(clinic)
            let decision = try await decide(CheckCall(peekAt: clinic))
            let denials = gate.denials.denials(of: clinic)
            return HTTPAnswer(
                status: 200, json: UsageDocument(decision, of: clinic, denials: denials))
        }
    }

    private func decide(_ call: CheckCall) async throws(Problem) -> QuotaDecision {
        let answer: Result<QuotaAnswer, QuotaError>
        do throws(QuotaError) {
            answer = .success(
                try await gate.check(
                    call.clinic, limit: call.limit, cost: call.cost, mode: call.mode,
                    writes: call.writes))
        } catch {
            answer = .failure(error)
        }
        return try decision(answer, of: call)
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

    /// Users, patients and storage are counted by PostgreSQL, so Redis is not asked and nothing is counted.
    func advise(
        _ call: CheckCall, on counter: LimitCounter
    ) async throws(Problem) -> HTTPAnswer {
        let room: ClinicRoom?
        do throws(QuotaError) {
            room = try await advisor.room(of: call.clinic)
        } catch {
            throw .unavailable("\(error)")
        }
        guard let room else { throw .unknownClinic }
        return HTTPAnswer(RoomAdvice(room, asked: counter, cost: call.cost), of: call.clinic)
    }

    func answer(_ decision: QuotaDecision, of clinic: ClinicID) -> HTTPAnswer {
        let document = DecisionDocument(decision, of: clinic)
        var answer =
            decision.isAllowed
            ? HTTPAnswer(status: 200, json: document)
            : HTTPAnswer(status: Denial(decision).status, problem: document)
        answer.fields += RateLimitFields.fields(decision)
        return answer
    }
}

extension CheckCall {
    init(peekAt clinic: ClinicID) {
        self.clinic = clinic
        mode = .peek
    }
}
