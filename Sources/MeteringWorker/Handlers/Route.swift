import Metering

/// One row of the table of routes: what may be asked here, by whom, how large, and what answers.
///
/// The router, the answers 404, 405 and 413, the comparison with openapi.json and the test of scopes all
/// read the same rows, so that a new route cannot be known to some of them only.
struct Route: Sendable {
    enum Answering: Sendable {
        /// For everybody; no key is looked at.
        case open(@Sendable (APIRequest) async -> APIResponse)
        /// For bearers of a key with this scope. What the request says wrongly is told first, then the key
        /// is looked at, then the work is done.
        case keyed(KeyOwner.Scope, @Sendable (RouteCall) throws(Problem) -> Work)
    }

    /// What is left to do once the request was read and its key may ask.
    typealias Work = @Sendable (KeyOwner) async throws(Problem) -> APIResponse

    let method: String
    let path: PathTemplate
    /// The longest body; 0 when none is read.
    let bodyBytesMax: Int
    let answering: Answering
    /// Where the key stands, as an `Authorization` field would hold it.
    var key: @Sendable (APIRequest) -> String? = { $0.field("authorization") }
    /// The last word on every answer of this route, also on the router's own.
    var finish: (@Sendable (APIRequest, APIResponse) -> APIResponse)?

    /// For a route that answers whatever method the request has.
    static let anyMethod = "*"

    /// What the key needs; nil when no key is needed.
    var scope: KeyOwner.Scope? {
        if case .keyed(let scope, _) = answering { scope } else { nil }
    }

    /// A route that everybody may ask.
    static func open(
        _ method: String, _ path: PathTemplate,
        _ answer: @escaping @Sendable (APIRequest) async -> APIResponse
    ) -> Route {
        Route(method: method, path: path, bodyBytesMax: 0, answering: .open(answer))
    }

    /// A route that needs a key.
    static func keyed(
        _ method: String, _ path: PathTemplate, scope: KeyOwner.Scope, bodyBytesMax: Int = 0,
        _ read: @escaping @Sendable (RouteCall) throws(Problem) -> Work
    ) -> Route {
        Route(
            method: method, path: path, bodyBytesMax: bodyBytesMax,
            answering: .keyed(scope, read))
    }
}

/// A request together with what its path named.
struct RouteCall: Sendable {
    let request: APIRequest
    /// What stood in the place of each `{…}`, in their order.
    let parameters: [Substring]

    var body: [UInt8] { request.body }

    /// The clinic that a path with the one parameter `{id}` names.
    func clinic() throws(Problem) -> ClinicID {
        guard let text = parameters.first, let clinic = ClinicID(String(text)) else {
            throw .badRequest("the clinic id in the path is not a UUID of 36 characters")
        }
        return clinic
    }
}

extension KeyOwner {
    /// Refuses a clinic that this key may not see, like one that does not exist.
    func mustSee(_ clinic: ClinicID) throws(Problem) {
        guard maySee(clinic) else { throw .unknownClinic }
    }
}

/// `/v1/clinics/{id}/usage`: plain parts are compared byte for byte, `{…}` takes any one part, and `{…*}` at
/// the end all that follow.
struct PathTemplate: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    let description: String
    private let parts: [Substring]
    /// Whether the last part takes all that follow.
    let isOpenEnded: Bool

    init(stringLiteral text: String) {
        precondition(text.hasPrefix("/"), "a path begins with a slash")
        description = text
        parts = Self.parts(of: text)
        isOpenEnded = text.hasSuffix("*}")
    }

    var isLiteral: Bool { !description.utf8.contains(UInt8(ascii: "{")) }

    /// What stands in the place of each parameter, or nil when the path is another one.
    func parameters(in path: [Substring]) -> [Substring]? {
        guard isOpenEnded ? path.count >= parts.count : path.count == parts.count else {
            return nil
        }
        var found: [Substring] = []
        for (part, template) in zip(path, parts) {
            if template.hasPrefix("{") {
                found.append(part)
            } else if part != template {
                return nil
            }
        }
        return found
    }

    static func parts(of path: String) -> [Substring] {
        path.split(separator: "/", omittingEmptySubsequences: false)
    }
}
