/// One row of the table of routes: method, path, required scope, longest body, and handler.
///
/// The router, the responses 404, 405 and 413, the comparison with openapi.json and the test of
/// scopes all read the same rows, so none of them can miss a new route.
public struct Route: Sendable {
    /// Throws the problem to respond with when the client may not use the route.
    public typealias Admission = @Sendable (APIRequest) throws(Problem) -> Void
    public typealias Response = @Sendable (RouteCall) async throws(Problem) -> APIResponse

    public let method: String
    public let path: PathTemplate
    /// The longest body; 0 when none is read.
    public let bodyBytesMax: Int
    /// The scope that a client's key must have; nil when no key is needed.
    public let scope: String?
    /// Changes every response of this route last, the router's own included.
    public var finish: (@Sendable (APIRequest, APIResponse) -> APIResponse)?

    /// Nil when every client may use the route.
    let admit: Admission?
    let respond: Response

    /// The method of a route that takes every method.
    public static let anyMethod = "*"

    /// A route that needs a key with a scope.
    ///
    /// - Parameters:
    ///   - admit: Checks the key only. The router calls it before it takes a long body.
    ///   - respond: Has to check the key itself, after it has checked the request.
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
