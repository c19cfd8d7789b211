import Admission
import Metering
import Quotas

/// The way of nearly every request: a check that Redis decides, answered without a task.
///
/// It takes only what is in order in every respect. All else goes through the router, which says what is wrong.
struct DirectCheck: Sendable {
    let checks: CheckHandler
    let keys: KeyRing

    /// The check that a request asks, or nil when the router has to answer it.
    func call(_ request: APIRequest) -> CheckCall? {
        guard request.path == "/v1/check", request.method == "POST",
            !request.isBodyTooLarge, let call = try? CheckCall(body: request.body),
            call.counter == nil, call.requestID == nil,
            let owner = keys.owner(authorization: request.field("authorization")),
            owner.mayAct(in: .check), owner.maySee(call.clinic)
        else { return nil }
        return call
    }

    /// - Parameter answer: Called once: on the event loop that calls this when that reaches Redis by itself, else on
    ///   any thread.
    func decide(_ call: CheckCall, then answer: @escaping @Sendable (APIResponse) -> Void) {
        let request = Check(
            call.clinic, limit: call.limit, cost: call.cost, mode: call.mode, writes: call.writes)
        checks.gate.check(request) { outcome in
            do throws(Problem) {
                answer(checks.answer(try checks.decision(outcome, of: call), to: call))
            } catch {
                answer(error.response)
            }
        }
    }
}
