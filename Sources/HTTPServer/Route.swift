/// One row of the table of routes: method, path, who may ask, how long a body may be, and what answers.
///
/// The router, the responses 404, 405 and 413, the comparison with openapi.json and the test of scopes all
/// read the same rows, so a new route cannot be known to some of them only.
public struct Route: Sendable {
    /// Throws the problem to answer with when the caller may not use the route.
    public typealias Admission = @Sendable (APIRequest) throws(Problem) -> Void
    public typealias Response = @Sendable (RouteCall) async throws(Problem) -> APIResponse

    public let method: String
    public let path: PathTemplate
    /// The longest body; 0 when none is read.
    public let bodyBytesMax: Int
    /// What a caller's key must permit; nil when no key is needed.
    public let scope: String?
    /// Has the last word on every response of this route, the router's own included.
    public var finish: (@Sendable (APIRequest, APIResponse) -> APIResponse)?

    /// Nil when every caller may ask.
    let admit: Admission?
    let respond: Response

    /// The method of a route that answers every method.
    public static let anyMethod = "*"

    /// A route that needs a key with a scope.
    ///
    /// - Parameters:
    ///   - admit: Looks at the key alone. The router calls it before it takes a long body.
    ///   - respond: Has to look at the key itself, after it has checked what the request says.
    public init(
        _ method: String, _ path: PathTemplate, scope: String, bodyBytesMax: Int,
        admit: @escaping Admission, respond: @escaping Response
    ) {
        (self.method, self.path, self.scope) = (method, path, scope)
        (self.bodyBytesMax, self.admit, self.respond) = (bodyBytesMax, admit, respond)
    }

    private init(open method: String, _ path: PathTemplate, respond: @escaping Response) {
        (self.method, self.path, scope) = (method, path, nil)
        (bodyBytesMax, admit, self.respond) = (0, nil, respond)
    }

    /// A route that needs no key and reads no body.
    public static func open(
        _ method: String, _ path: PathTemplate,
        _ respond: @escaping @Sendable (APIRequest) async -> APIResponse
    ) -> Route {
        Route(open: method, path) { (call) async throws(Problem) in await respond(call.request) }
    }
}
