import Metering
import Quotas

/// What a check does, free of any server framework: bytes in, an answer out.
///
/// The first that applies decides: 400, 401, 403, 404, 402, 409, 429, 503.
struct CheckDoor: Sendable {
    let gate: QuotaGate
    let keys: KeyRing
    let advisor: RoomAdvisor

    /// `POST /v1/check`
    func check(body: [UInt8], authorization: String?) async -> HTTPAnswer {
        do throws(Problem) {
            let call = try CheckCall(body: body)
            try admit(authorization, to: .check, of: call.clinic)
            if let counter = call.counter { return try await advise(call, on: counter) }
            let decision = try await decide(call)
            return answer(decision, of: call.clinic)
        } catch {
            return error.answer
        }
    }

    /// `GET /v1/clinics/{id}/usage`: the same numbers, counting nothing.
    func usage(of id: String, authorization: String?) async -> HTTPAnswer {
        do throws(Problem) {
            guard let clinic = ClinicID(id) else {
                throw .badRequest("the clinic id in the path is not a UUID of 36 characters")
            }
            try admit(authorization, to: .usage, of: clinic)
            let decision = try await decide(CheckCall(peekAt: clinic))
            let denials = gate.denials.denials(of: clinic)
            return HTTPAnswer(
                status: 200, json: UsageDocument(decision, of: clinic, denials: denials))
        } catch {
            return error.answer
        }
    }

    private func admit(
        _ authorization: String?, to scope: KeyHolder.Scope, of clinic: ClinicID
    ) throws(Problem) {
        guard let holder = keys.holder(authorization: authorization) else { throw .unauthorized }
        guard holder.mayAct(in: scope) else { throw .forbidden(scope: scope.rawValue) }
        guard holder.maySee(clinic) else { throw .unknownClinic }
    }

    private func decide(_ call: CheckCall) async throws(Problem) -> QuotaDecision {
        let answer: QuotaAnswer
        do throws(QuotaError) {
            answer = try await gate.check(
                call.clinic, limit: call.limit, cost: call.cost, mode: call.mode,
                writes: call.writes)
        } catch {
            throw .unavailable("\(error)")
        }
        switch answer {
        case .decided(let decision): return decision
        case .unknownClinic: throw .unknownClinic
        case .noSuchLimit: throw .noSuchLimit(call.limit)
        }
    }

    /// Users, patients and storage are counted by PostgreSQL, so Redis is not asked and nothing is counted.
    private func advise(
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

    private func answer(_ decision: QuotaDecision, of clinic: ClinicID) -> HTTPAnswer {
        var answer = HTTPAnswer(DecisionDocument(decision, of: clinic))
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
