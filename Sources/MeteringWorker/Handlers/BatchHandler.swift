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

/// The sequential checks of a batch, until the store is unavailable, the time is over or the task
/// is cancelled.
struct BatchTurn {
    let until: ContinuousClock.Instant
    private var outage: Problem?

    init(until: ContinuousClock.Instant) { self.until = until }

    /// - Parameter ask: Receives the time that is left.
    mutating func take(
        _ ask: (Duration) async throws(Problem) -> APIResponse
    ) async throws(Problem) -> APIResponse {
        if let outage { throw outage }
        let left = until - ContinuousClock.now
        guard left > .zero, !Task.isCancelled else {
            throw .unavailable("the checks before this one took too long; this one was not made")
        }
        do throws(Problem) {
            return try await ask(left)
        } catch {
            if error.isStoreUnavailable { outage = error }
            throw error
        }
    }
}

extension CheckCall {
    /// The check to send to Redis with others; nil when PostgreSQL counts it, and for a call with
    /// an id.
    fileprivate var question: Check? {
        counter == nil && requestID == nil
            ? Check(clinic, limit: limit, cost: cost, mode: mode, writes: writes) : nil
    }
}

/// The body of `POST /v1/checks`.
enum BatchCall {
    static let checksMax = QuotaGate.manyMax
    static let bodyBytesMax = 256 << 10

    /// Reads each check by itself; refuses the whole body only when it holds no list of checks.
    static func read(_ body: [UInt8]) throws(Problem) -> [Result<CheckCall, Problem>] {
        let json: JSON
        do {
            json = try JSON(bytes: body, bytesMax: bodyBytesMax)
        } catch {
            throw .badRequest("the body is not usable: \(error)")
        }
        guard case .object(let members) = json, members.count == 1, members[0].key == "checks",
            case .list(let checks) = members[0].value
        else { throw .badRequest(#"the body is not an object with one list, "checks""#) }
        guard (1...checksMax).contains(checks.count) else {
            throw .badRequest("checks holds \(checks.count) checks; 1 to \(checksMax) are taken")
        }
        return checks.map { check in Result { () throws(Problem) in try CheckCall(json: check) } }
    }
}

extension CheckCall {
    fileprivate init(json: JSON) throws(Problem) {
        guard case .object(let members) = json else {
            throw .badRequest("the check is not a JSON object")
        }
        var flat: [(key: String, value: FlatJSON.Value)] = []
        for member in members {
            guard let value = FlatJSON.Value(member.value) else {
                let key = String(member.key.prefix(40)).debugDescription
                throw .badRequest(
                    "the value of \(key) is not a text, a whole number, true, false or null")
            }
            flat.append((member.key, value))
        }
        try self.init(members: flat)
    }
}

extension FlatJSON.Value {
    fileprivate init?(_ json: JSON) {
        switch json {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .text(let text): self = .string(text)
        case .number(let digits):
            guard let number = Int64(digits) else { return nil }
            self = .integer(number)
        case .list, .object: return nil
        }
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
