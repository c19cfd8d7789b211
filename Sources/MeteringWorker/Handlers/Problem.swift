import FoundationEssentials

/// An answer that is not the one asked for, as `application/problem+json` (RFC 9457).
struct Problem: Error, Equatable {
    var status: Int
    /// Last part of the problem's type; scripts may rely on it.
    var code: String
    var title: String
    var detail: String
    /// Whole seconds to wait before asking again.
    var retryAfter: Int64?
    /// The methods that would be known here.
    var allowedMethods: [String] = []
    /// Whether a whole store gave no answer, so that asking it more is in vain.
    var isStoreUnavailable = false

    static func badRequest(_ detail: String) -> Problem {
        Problem(status: 400, code: "bad-request", title: "The request is not valid", detail: detail)
    }

    static func noSuchLimit(_ limit: String) -> Problem {
        .badRequest(
            "the clinic's plan has no limit \(String(limit.prefix(40)).debugDescription); "
                + "leave limit out or name one of the plan")
    }

    static let unauthorized = Problem(
        status: 401, code: "unauthorized", title: "A valid API key is needed",
        detail:
            "send the header Authorization: Bearer mk_… with a key that is not expired or revoked")

    static func forbidden(scope: String) -> Problem {
        Problem(
            status: 403, code: "forbidden", title: "The API key may not do this",
            detail: "the key has no scope \(scope); create one with --scope \(scope)")
    }

    /// The same for a clinic that does not exist and for one that the key may not see.
    static let unknownClinic = Problem(
        status: 404, code: "unknown-clinic", title: "There is no such clinic",
        detail: "no clinic with this id is known to this API key")

    static let noSuchRoute = Problem(
        status: 404, code: "not-found", title: "There is nothing here",
        detail: "GET /openapi.json describes every path")

    static func methodNotAllowed(_ allowed: [String]) -> Problem {
        Problem(
            status: 405, code: "method-not-allowed", title: "This method is not known here",
            detail: "use \(allowed.joined(separator: " or "))", allowedMethods: allowed)
    }

    static func tooLarge(most: Int) -> Problem {
        Problem(
            status: 413, code: "too-large", title: "The body is too large",
            detail: "it has at most \(most) bytes here")
    }

    static func unavailable(_ detail: String) -> Problem {
        Problem(
            status: 503, code: "unavailable", title: "No decision can be made now",
            detail: detail, retryAfter: 1)
    }
}

extension Problem {
    private struct Document: Encodable {
        let type, title: String
        let status: Int
        let detail: String
    }

    var response: APIResponse {
        let document = Document(
            type: Self.type(code), title: title, status: status, detail: detail)
        var answer = APIResponse(status: status, problem: document)
        if let retryAfter { answer.fields.append(("Retry-After", "\(retryAfter)")) }
        if !allowedMethods.isEmpty {
            answer.fields.append(("Allow", allowedMethods.joined(separator: ", ")))
        }
        if status == 401 { answer.fields.append(("WWW-Authenticate", "Bearer")) }
        return answer
    }

    /// A name rather than an address: nothing has to be fetched to know it.
    static func type(_ code: String) -> String { "urn:metering-worker:problem:\(code)" }
}
