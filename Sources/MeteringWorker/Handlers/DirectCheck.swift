import Admission
import HTTPServer
import Metering
import Quotas

/// The path of nearly every request: a check that Redis decides, answered without a task.
///
/// It takes only valid requests. All others go to the router, which says what is wrong.
struct DirectCheck: Sendable {
    let checks: CheckHandler

    /// A listener tries this before its router.
    var responder: DirectResponder {
        DirectResponder { request in
            guard let call = call(request) else { return nil }
            return { respond in decide(call, then: respond) }
        }
    }

    /// The check that a request asks for, or nil when the router has to answer it.
    private func call(_ request: APIRequest) -> CheckCall? {
        guard request.path == "/v1/check", request.method == "POST",
            !request.isBodyTooLarge, let call = try? CheckCall(body: request.body),
            call.counter == nil, call.requestID == nil,
            let owner = checks.keys.owner(authorization: request.field("authorization")),
            owner.mayAct(in: .check), owner.maySee(call.clinic)
        else { return nil }
        return call
    }

    /// - Parameter respond: Called once: on the event loop that calls this when that reaches Redis
    ///   by itself, else on any thread.
    private func decide(
        _ call: CheckCall, then respond: @escaping @Sendable (APIResponse) -> Void
    ) {
        let question = Check(
            call.clinic, limit: call.limit, cost: call.cost, mode: call.mode, writes: call.writes)
        checks.gate.check(question) { outcome in
            do throws(Problem) {
                respond(checks.answer(try checks.decision(outcome, of: call), to: call))
            } catch {
                respond(error.response)
            }
        }
    }
}
