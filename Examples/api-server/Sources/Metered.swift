import Counters
import HTTPTypes
import Hummingbird
import Metering
import Quotas

/// Lets a request through when the clinic's limits and quota admit it, and counts it.
struct Metered<Context: RequestContext>: RouterMiddleware {
    let quotas: EmbeddedQuotas

    func handle(
        _ request: Request, context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard let clinic = clinic(of: request) else { throw HTTPError(.unauthorized) }
        let answer: QuotaAnswer
        do throws(QuotaError) {
            answer = try await quotas.check(
                clinic, writes: ![.get, .head, .options].contains(request.method))
        } catch {
            // No decision. This server refuses then; another one may decide otherwise.
            throw HTTPError(.serviceUnavailable, headers: [.retryAfter: "1"])
        }
        switch answer {
        case .unknownClinic: throw HTTPError(.notFound)
        case .noSuchLimit: throw HTTPError(.internalServerError)
        case .decided(let decision):
            guard decision.isAllowed else { return denial(decision) }
            var response = try await next(request, context)
            add(decision, to: &response)
            return response
        }
    }

    /// The clinic of the request. A real server takes it from what it has authenticated.
    private func clinic(of request: Request) -> ClinicID? {
        HTTPField.Name("X-Clinic-Id").flatMap { request.headers[$0] }.flatMap { ClinicID($0) }
    }

    private func denial(_ decision: QuotaDecision) -> Response {
        let isOver = decision.reasons.contains { $0 == .ended || $0 == .readOnly }
        let reason = decision.reasons.first?.rawValue ?? "denied"
        var response = Response(
            status: isOver ? .init(code: 402) : .tooManyRequests,
            body: .init(byteBuffer: .init(string: "\(reason)\n")))
        add(decision, to: &response)
        return response
    }

    private func add(_ decision: QuotaDecision, to response: inout Response) {
        for (name, value) in RateLimitFields.fields(decision) {
            if let name = HTTPField.Name(name) { response.headers[name] = value }
        }
    }
}
