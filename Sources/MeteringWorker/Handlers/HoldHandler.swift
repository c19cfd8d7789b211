import Admission
import HTTPServer
import Ledger
import Metering
import Quotas

/// Reservations and refunds: bytes in, a response out. docs/reservations.md describes them.
///
/// The first that applies decides: 400, 401, 403, 404, 402, 409, 429, 503.
struct HoldHandler: Sendable {
    let gate: QuotaGate
    let ledger: Ledger
    let keeper: HoldKeeper
    let keys: KeyRing

    static let bodyBytesMax = 4096
    /// From 1 ms to 24 hours.
    static let timesToLive: ClosedRange<Int64> = 1...86_400_000

    var routes: [Route] {
        [
            keyed("/v1/reservations", reserve),
            keyed("/v1/reservations/{id}/commit", commit),
            keyed("/v1/reservations/{id}/release", release),
            keyed("/v1/refunds", refund),
        ]
    }

    private func keyed(
        _ path: PathTemplate, _ read: @escaping @Sendable (RouteCall) throws(Problem) -> Route.Work
    ) -> Route {
        .keyed("POST", path, scope: .check, in: keys, bodyBytesMax: Self.bodyBytesMax, read)
    }

    /// Sends pending units to PostgreSQL at once. When that fails, the next sweep does it, so no
    /// request waits.
    private func bring(_ clinic: ClinicID, if waits: Bool) async -> Bool {
        guard waits else { return false }
        return await isPending { try await keeper.keep(clinic) }
    }

    /// Whether `work` failed; a later sweep repeats it.
    private func isPending(_ work: () async throws -> Void) async -> Bool {
        do {
            try await work()
            return false
        } catch {
            return true
        }
    }
}

// MARK: Reservations

extension HoldHandler {
    /// `POST /v1/reservations`
    @Sendable private func reserve(_ call: RouteCall) throws(Problem) -> Route.Work {
        let body = try FlatBody(
            call.body, known: ["access", "clinic_id", "cost", "limit", "request_id", "ttl_ms"])
        let (clinic, limit, writes) = (try body.clinic(), try body.limit(), try body.writes())
        let cost = try body.whole("cost", in: CheckRequest.costs) ?? 1
        guard let ttl = try body.whole("ttl_ms", in: Self.timesToLive) else {
            throw .badRequest("ttl_ms is missing: say how long the units are held")
        }
        let name = try body.text("request_id", most: CallID.nameBytesMax)
        let id = name.map { CallID(.hold, named: $0) } ?? .random()
        return { (owner) async throws(Problem) -> APIResponse in
            try owner.mustSee(clinic)
            let answer = try await Problem.onOutage { () async throws(QuotaError) in
                try await gate.reserve(
                    clinic, id: id, limit: limit, cost: cost, for: .milliseconds(ttl),
                    writes: writes, isNamed: name != nil)
            }
            switch answer {
            case .held(let held):
                return APIResponse(
                    status: held.isRepeated ? 200 : 201, json: HeldDocument(held, id, of: clinic))
            case .ended(let ending): throw .reservationEnded(ending)
            case .denied(let decision): return APIResponse(denied: decision, of: clinic)
            case .tooMany(let wait): throw .tooManyReservations(wait)
            case .otherCall: throw .idOfAnother("request_id")
            case .unknownClinic: throw .unknownClinic
            case .noSuchLimit: throw .noSuchLimit(limit)
            }
        }
    }

    /// `POST /v1/reservations/{id}/commit`
    @Sendable private func commit(_ call: RouteCall) throws(Problem) -> Route.Work {
        let body = try FlatBody(call.body, known: ["clinic_id", "cost"])
        let units = try body.whole("cost", in: 0...CheckRequest.costs.upperBound)
        return try settle(call, body, .committed) { (clinic, id) async throws(QuotaError) in
            try await gate.commit(clinic, id: id, units: units)
        }
    }

    /// `POST /v1/reservations/{id}/release`
    @Sendable private func release(_ call: RouteCall) throws(Problem) -> Route.Work {
        try settle(call, try FlatBody(call.body, known: ["clinic_id"]), .released) {
            (clinic, id) async throws(QuotaError) in
            try await gate.release(clinic, id: id)
        }
    }

    private func settle(
        _ call: RouteCall, _ body: FlatBody, _ wanted: HoldEnding.State,
        _ ask: @escaping @Sendable (ClinicID, CallID) async throws(QuotaError) -> SettleAnswer
    ) throws(Problem) -> Route.Work {
        let clinic = try body.clinic()
        guard let id = call.parameters.first.flatMap({ CallID(String($0)) }) else {
            throw .badRequest("the reservation id in the path is not 32 hexadecimal digits")
        }
        return { (owner) async throws(Problem) -> APIResponse in
            try owner.mustSee(clinic)
            let answer = try await Problem.onOutage { () async throws(QuotaError) in
                try await ask(clinic, id)
            }
            switch answer {
            case .ended(let ending):
                let pending = await bring(clinic, if: ending.waits)
                guard ending.state == wanted else { throw .reservationEnded(ending) }
                return APIResponse(
                    status: 200, json: EndedDocument(ending, id, of: clinic, pending: pending))
            case .tooMuch(let held):
                throw .badRequest("cost is more than the \(held) units that are held")
            case .unknownHold: throw .unknownReservation
            case .unknownClinic: throw .unknownClinic
            }
        }
    }
}

// MARK: Refunds

extension HoldHandler {
    /// `POST /v1/refunds`
    @Sendable private func refund(_ call: RouteCall) throws(Problem) -> Route.Work {
        let body = try FlatBody(call.body, known: ["clinic_id", "cost", "month", "refund_id"])
        let clinic = try body.clinic()
        guard let name = try body.text("refund_id", most: CallID.nameBytesMax) else {
            throw .badRequest(
                "refund_id is missing: it keeps a repeated refund from counting twice")
        }
        guard let units = try body.whole("cost", in: CheckRequest.costs) else {
            throw .badRequest("cost is missing: say how many units are given back")
        }
        let id = CallID(.refund, named: name)
        let text = try body.text("month", most: 7)
        let month = text.flatMap(Month.init(_:))
        guard text == nil || month != nil else {
            throw .badRequest("month is not of the form 2026-11")
        }
        return { (owner) async throws(Problem) -> APIResponse in
            try owner.mustSee(clinic)
            if let month { return try await refund(units, to: clinic, of: month, id, name) }
            let answer = try await Problem.onOutage { () async throws(QuotaError) in
                try await gate.refund(clinic, id: id, units: units)
            }
            switch answer {
            case .refunded(let refund):
                let pending = await bring(clinic, if: refund.waits)
                return APIResponse(
                    status: 200, json: RefundDocument(refund, name, of: clinic, pending: pending))
            case .tooMuch(let period): throw .moreThanUsed(period.used)
            case .otherCall: throw .idOfAnother("refund_id")
            case .tooMany: throw .tooManyRefunds
            case .unknownClinic: throw .unknownClinic
            }
        }
    }

    /// A refund for a named month: PostgreSQL keeps its id forever.
    private func refund(
        _ units: Int64, to clinic: ClinicID, of month: Month, _ id: CallID, _ name: String
    ) async throws(Problem) -> APIResponse {
        let given: GivenBack
        do {
            guard try await gate.knows(clinic) else { throw Problem.unknownClinic }
            given = try await ledger.usage.giveBack(
                units, to: clinic, of: month, key: HoldKeeper.key("refund:\(id)", of: clinic),
                reason: "refund \(String(name.prefix(100)).debugDescription)")
        } catch let problem as Problem {
            throw problem
        } catch {
            throw .unavailable("\(error)")
        }
        switch given {
        case .repeated(let before) where before != units: throw .idOfAnother("refund_id")
        case .moreThanUsed(let net): throw .moreThanUsed(net)
        case .written, .repeated:
            // The refund is durable. Only the counter may lack it for now.
            let pending = await isPending { try await keeper.renew(clinic) }
            return APIResponse(
                status: 200,
                json: RefundDocument(
                    clinic_id: clinic.description, refund_id: name, units: units,
                    repeated: given != .written, pending: pending, usage: nil))
        }
    }
}

// MARK: Documents

private struct HeldDocument: Encodable {
    let clinic_id, reservation_id: String
    let units: Int64
    let expires_at: String
    let repeated: Bool
    let usage: DecisionDocument.Usage

    init(_ held: ReserveAnswer.Held, _ id: CallID, of clinic: ClinicID) {
        (clinic_id, reservation_id) = (clinic.description, id.description)
        (units, repeated) = (held.units, held.isRepeated)
        expires_at = UTCTime(microseconds: held.ends)?.rfc3339 ?? ""
        usage = DecisionDocument.Usage(held.period)
    }
}

private struct EndedDocument: Encodable {
    let clinic_id, reservation_id, state: String
    /// Units that stay used.
    let units: Int64
    let repeated, pending: Bool
    let usage: DecisionDocument.Usage

    init(_ ending: HoldEnding, _ id: CallID, of clinic: ClinicID, pending: Bool) {
        (clinic_id, reservation_id) = (clinic.description, id.description)
        (state, units, repeated) = (ending.state.rawValue, ending.units, ending.isRepeated)
        self.pending = pending
        usage = DecisionDocument.Usage(ending.period)
    }
}

private struct RefundDocument: Encodable {
    let clinic_id, refund_id: String
    let units: Int64
    let repeated, pending: Bool
    let usage: DecisionDocument.Usage?
}

extension RefundDocument {
    fileprivate init(
        _ refund: RefundAnswer.Refund, _ name: String, of clinic: ClinicID, pending: Bool
    ) {
        self.init(
            clinic_id: clinic.description, refund_id: name, units: refund.units,
            repeated: refund.isRepeated, pending: pending,
            usage: DecisionDocument.Usage(refund.period))
    }
}

// MARK: Problems

extension Problem {
    /// Runs `body`; reports an unavailable store as 503.
    fileprivate static func onOutage<Answer>(
        _ body: () async throws(QuotaError) -> Answer
    ) async throws(Problem) -> Answer {
        do throws(QuotaError) {
            return try await body()
        } catch {
            throw .unavailable("\(error)")
        }
    }

    fileprivate static func reservationEnded(_ ending: HoldEnding) -> Problem {
        let after =
            ending.state == .expired
            ? "its units were given back; count units that were used anyway as a new call"
            : "\(ending.units) units stay used"
        return Problem(
            status: 409, code: "reservation-\(ending.state.rawValue)",
            title: "The reservation has ended", detail: "it was \(ending.state.rawValue): \(after)")
    }

    fileprivate static let unknownReservation = Problem(
        status: 404, code: "unknown-reservation", title: "There is no such reservation",
        detail: "this clinic has no such reservation, or it ended more than two hours ago")

    /// Also for a request id of a check.
    static func idOfAnother(_ field: String) -> Problem {
        Problem(
            status: 409, code: "id-of-another-call", title: "The id names another call",
            detail: "this \(field) was sent before with other values; give each call its own")
    }

    fileprivate static func moreThanUsed(_ units: Int64) -> Problem {
        Problem(
            status: 409, code: "more-than-used", title: "More than was used",
            detail: "\(units) units are used, and those that are reserved cannot be refunded")
    }

    fileprivate static func tooManyReservations(_ wait: Duration) -> Problem {
        Problem(
            status: 429, code: "too-many-reservations", title: "Too many reservations",
            detail: "a clinic has at most 1000; commit or release some",
            retryAfter: max(1, wait.secondsUp))
    }

    fileprivate static let tooManyRefunds = Problem(
        status: 429, code: "too-many-refunds", title: "Too many refunds",
        detail:
            "Redis keeps no more ids this hour; name the month, and PostgreSQL keeps the id",
        retryAfter: 60)
}

extension APIResponse {
    /// A denial with every number behind it, like that of a check.
    init(denied decision: QuotaDecision, of clinic: ClinicID) {
        self.init(
            status: Denial(decision).status, problem: DecisionDocument(decision, of: clinic))
        fields += RateLimitFields.fields(decision)
    }
}
