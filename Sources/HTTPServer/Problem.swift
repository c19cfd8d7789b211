import FoundationEssentials

/// An error response, as `application/problem+json` (RFC 9457).
public struct Problem: Error, Equatable {
    public var status: Int
    /// Last part of the problem's type; scripts may rely on it.
    public var code: String
    public var title: String
    public var detail: String
    /// Whole seconds to wait before a retry.
    public var retryAfter: Int64?
    /// The methods that the path takes.
    public var allowedMethods: [String] = []
    /// Whether a whole store gave no answer, so that further requests to it would fail too.
    public var isStoreUnavailable = false

    public init(
        status: Int, code: String, title: String, detail: String, retryAfter: Int64? = nil,
        allowedMethods: [String] = []
    ) {
        (self.status, self.code, self.title, self.detail) = (status, code, title, detail)
        (self.retryAfter, self.allowedMethods) = (retryAfter, allowedMethods)
    }

    public static func badRequest(_ detail: String) -> Problem {
        Problem(status: 400, code: "bad-request", title: "The request is not valid", detail: detail)
    }

    static let noSuchRoute = Problem(
        status: 404, code: "not-found", title: "The path does not exist",
        detail: "GET /openapi.json describes every path")

    static func methodNotAllowed(_ allowed: [String]) -> Problem {
        Problem(
            status: 405, code: "method-not-allowed", title: "The path does not take this method",
            detail: "use \(allowed.joined(separator: " or "))", allowedMethods: allowed)
    }

    static func tooLarge(most: Int) -> Problem {
        Problem(
            status: 413, code: "too-large", title: "The body is too large",
            detail: "the most for this path is \(most) bytes")
    }

    public static func unavailable(_ detail: String) -> Problem {
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

    public var response: APIResponse {
        let document = Document(
            type: Self.type(code), title: title, status: status, detail: detail)
        var response = APIResponse(status: status, problem: document)
        if let retryAfter { response.fields.append(("Retry-After", "\(retryAfter)")) }
        if !allowedMethods.isEmpty {
            response.fields.append(("Allow", allowedMethods.joined(separator: ", ")))
        }
        if status == 401 { response.fields.append(("WWW-Authenticate", "Bearer")) }
        return response
    }

    /// A name rather than an address: nothing has to be fetched to know it.
    public static func type(_ code: String) -> String { "urn:metering-worker:problem:\(code)" }
}
