import Admission
import HTTPServer
import Metering
import Quotas

/// `POST /v1/checks`: up to 1,000 checks of any clinics in one request.
///
/// `{"checks": [{"clinic_id": "…"}, …]}`, each as the body of `POST /v1/check`. Answered with 200
/// and `{"answers": [{"status": 200, "body": {…}}, …]}` in the same order, each with the response
/// that its check would get alone. A fault in one check is reported in its place and affects no
/// other.
extension CheckHandler {
    @Sendable func checkMany(_ call: RouteCall) throws(Problem) -> Route.Work {
        let calls = try BatchCall.read(call.body)
        return { (owner) async throws(Problem) -> APIResponse in
            let seen = calls.map { call in
                call.flatMap { call in
                    owner.maySee(call.clinic) ? .success(call) : .failure(Problem.unknownClinic)
                }
            }
            return try await batches.withSlots(for: seen.count, of: owner.id) {
                APIResponse(batch: await answers(to: seen))
            }
        }
    }

    private func answers(to calls: [Result<CheckCall, Problem>]) async -> [APIResponse] {
        let counted = calls.map { call in (try? call.get())?.question }
        var decisions = await gate.checkMany(counted.compactMap { $0 })[...]
        let until = ContinuousClock.now + Self.batchTime
        var (named, advised) = (BatchTurn(until: until), BatchTurn(until: until))
        var answers: [APIResponse] = []
        answers.reserveCapacity(calls.count)
        for (call, question) in zip(calls, counted) {
            do throws(Problem) {
                let call = try call.get()
                if question != nil, let answer = decisions.popFirst() {
                    answers.append(self.answer(try decision(answer, of: call), to: call))
                } else if let name = call.requestID {
                    let answer = try await named.take { (_) async throws(Problem) in
                        try await once(call, named: name)
                    }
                    answers.append(answer)
                } else if let counter = call.counter {
                    // One at a time, so that one request holds at most one connection of
                    // PostgreSQL.
                    let answer = try await advised.take { (left) async throws(Problem) in
                        try await advise(call, on: counter, within: left)
                    }
                    answers.append(answer)
                }
            } catch {
                answers.append(error.response)
            }
        }
        return answers
    }

    /// The time in which the sequential checks of a batch have to start.
    static let batchTime: Duration = .seconds(2)
}

extension CheckCall {
    /// The check to send to Redis with others; nil when PostgreSQL counts it, and for a call with
    /// an id.
    fileprivate var question: Check? {
        counter == nil && requestID == nil
            ? Check(clinic, limit: limit, cost: cost, mode: mode, writes: writes) : nil
    }
}

extension APIResponse {
    /// The responses to many checks; each body equals, byte for byte, that of a single check.
    fileprivate init(batch answers: [APIResponse]) {
        var body = Array(#"{"answers":["#.utf8)
        for (index, answer) in answers.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            body += #"{"status":\#(answer.status),"body":"#.utf8
            body +=
                answer.body.last == UInt8(ascii: "\n") ? answer.body.dropLast() : answer.body[...]
            body.append(UInt8(ascii: "}"))
        }
        body += "]}\n".utf8
        self.init(status: 200, type: "application/json", bytes: body)
    }
}
