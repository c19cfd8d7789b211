import Admission
import Metering
import Quotas

/// The way of nearly every request: a check that Redis decides, answered without a task.
///
/// It takes only what is in order in every respect. All else goes through the router, which says what is wrong.
struct DirectCheck: Sendable {
    let door: CheckDoor
    let keys: KeyRing

    /// The check that a request asks, or nil when the router has to answer it.
    func call(_ question: HTTPQuestion) -> CheckCall? {
        guard question.path == "/v1/check", question.method == "POST",
            !question.isBodyTooLarge, let call = try? CheckCall(body: question.body),
            call.counter == nil, call.requestID == nil,
            let holder = keys.holder(authorization: question.field("authorization")),
            holder.mayAct(in: .check), holder.maySee(call.clinic)
        else { return nil }
        return call
    }

    /// - Parameter answer: Called once: on the event loop that calls this when that reaches Redis by itself, else on
    ///   any thread.
    func decide(_ call: CheckCall, then answer: @escaping @Sendable (HTTPAnswer) -> Void) {
        let question = Check(
            call.clinic, limit: call.limit, cost: call.cost, mode: call.mode, writes: call.writes)
        door.gate.check(question) { outcome in
            do throws(Problem) {
                answer(door.answer(try door.decision(outcome, of: call), to: call))
            } catch {
                answer(error.answer)
            }
        }
    }
}
