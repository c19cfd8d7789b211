import Admission
import HTTPServer
import Metering
import Quotas

/// The check that a reverse proxy sends before it lets a request through: `GET /v1/gateway/check`.
///
/// 204 lets it through; 402, 429 and 503 do not, with the same document and fields as a check.
/// Envoy, which appends the path, takes 200 alone for a yes, so below the route a yes is 200.
/// nginx knows only 401 and 403 as refusals, so for `?deny=403` each refusal is 403 and
/// `X-Metering-Status` says which it is. Reasons: docs/decisions/0018-forward-auth.md.
struct GatewayHandler: Sendable {
    let checks: CheckHandler
    let keys: KeyRing
    let subdomains: SubdomainCache
    let naming: GatewayNaming
    let rules: GatewayRules

    /// The field of the proxy's own key, so that the request may keep its `Authorization` for the
    /// application.
    static let keyField = "x-metering-key"
    static let path = "/v1/gateway/check"

    var routes: [Route] {
        var plain = Route.keyed(
            "GET", "/v1/gateway/check", scope: .check, in: keys, key: Self.key
        ) { call throws(Problem) in
            guard call.request.query == nil || call.request.query == "deny=403" else {
                throw .badRequest("the query must be empty or deny=403")
            }
            return work(try GatewayCall(call.request, naming: naming))
        }
        plain.finish = Self.finish
        // Envoy appends the application's path and query, and uses the method of the request.
        var appended = Route.keyed(
            Route.anyMethod, "/v1/gateway/check/{path*}", scope: .check, in: keys, key: Self.key
        ) { call throws(Problem) in
            let path = call.request.path.dropFirst(Self.path.count)
            return work(
                try GatewayCall(call.request, naming: naming, behind: String(path)))
        }
        appended.finish = Self.finishForEnvoy
        return [plain, appended]
    }

    /// The proxy's own key, or the key of the request when the proxy passes that on.
    @Sendable private static func key(_ request: APIRequest) -> String? {
        guard request.fields.contains(where: { $0.name.lowercased() == keyField }) else {
            return request.field("authorization")
        }
        return request.field(keyField).map { "Bearer \($0)" }
    }

    @Sendable private static func finish(
        _ request: APIRequest, _ answer: APIResponse
    ) -> APIResponse {
        guard request.query == "deny=403", answer.status >= 300 else { return answer }
        var refusal = answer
        refusal.status = 403
        refusal.fields.append(("X-Metering-Status", "\(answer.status)"))
        return refusal
    }

    @Sendable private static func finishForEnvoy(
        _ request: APIRequest, _ answer: APIResponse
    ) -> APIResponse {
        guard answer.status == 204 else { return answer }
        var yes = answer
        yes.status = 200
        return yes
    }

    private func work(_ call: GatewayCall) -> Route.Work {
        { (owner) async throws(Problem) -> APIResponse in
            let clinic = try await self.clinic(call.clinic)
            try owner.mustSee(clinic)
            guard case .counted(let limit, let cost) = rules.treatment(of: call.path) else {
                return APIResponse(status: 204)
            }
            var check = CheckCall(peekAt: clinic)
            (check.mode, check.limit, check.cost) = (.consume, limit, cost)
            check.writes = call.writes
            return answer(try await decide(check), to: check)
        }
    }

    /// A plan without the limit that a rule names counts the call as `default`: plans differ, rules
    /// do not.
    private func decide(_ check: CheckCall) async throws(Problem) -> QuotaDecision {
        if let decision = try await checks.decideIfLimited(check) { return decision }
        var plain = check
        plain.limit = LimitID.defaultName
        return try await checks.decide(plain)
    }

    private func answer(_ decision: QuotaDecision, to check: CheckCall) -> APIResponse {
        guard decision.isAllowed else { return checks.answer(decision, to: check) }
        var answer = APIResponse(status: 204)
        answer.fields += RateLimitFields.fields(decision)
        return answer
    }

    private func clinic(_ named: GatewayCall.Clinic) async throws(Problem) -> ClinicID {
        switch named {
        case .id(let clinic): return clinic
        case .subdomain(let label):
            return try await clinic(of: label)
        case .ofKey(let authorization):
            guard let bearer = keys.owner(authorization: authorization) else {
                throw .unauthorized
            }
            guard bearer.mayAct(in: .check) else { throw .forbidden(scope: "check") }
            guard let clinics = bearer.clinics, clinics.count == 1, let clinic = clinics.first
            else { throw .keyOfNoClinic }
            return clinic
        }
    }
}

extension GatewayHandler {
    private func clinic(of label: String) async throws(Problem) -> ClinicID {
        let found: ClinicID?
        do throws(QuotaError) { found = try await subdomains.clinic(of: label) } catch {
            throw .unavailable("\(error)")
        }
        guard let found else { throw .unknownClinic }
        return found
    }
}

extension Problem {
    fileprivate static let keyOfNoClinic = Problem(
        status: 403, code: "forbidden", title: "The API key may not do this",
        detail: "the key names the clinic here, so it must be one made with --clinic for one clinic"
    )
}
