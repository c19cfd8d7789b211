/// Hands a request to its route. It decides nothing else and knows no server.
public struct Router: Sendable {
    public let table: RouteTable

    /// The longest body that the server reads from a caller without a key.
    public static let unauthenticatedBodyBytesMax = 4_096

    public init(_ rows: [Route]) {
        table = RouteTable(rows)
    }

    /// The most bytes that the body of a request with this head may have, so that a server need not
    /// keep more.
    func bodyBytesMax(_ head: APIRequest) -> Int {
        guard case .found(let route, _) = table.place(method: head.method, path: head.path) else {
            return 0
        }
        // Nearly every request takes this branch, and its key is checked once.
        guard route.bodyBytesMax > Self.unauthenticatedBodyBytesMax, let admit = route.admit else {
            return route.bodyBytesMax
        }
        do throws(Problem) {
            try admit(head)
            return route.bodyBytesMax
        } catch {
            return Self.unauthenticatedBodyBytesMax
        }
    }

    /// The first that applies decides: 404 or 405 for the path, 413, then the route.
    /// For a body over `unauthenticatedBodyBytesMax` the caller's key is checked before 413.
    public func respond(to request: APIRequest) async -> APIResponse {
        switch table.place(method: request.method, path: request.path) {
        case .nothing: return Problem.noSuchRoute.response
        case .wrongMethod(let allowed): return Problem.methodNotAllowed(allowed).response
        case .found(let route, let parameters):
            let response = await respond(
                RouteCall(request: request, parameters: parameters), on: route)
            return route.finish?(request, response) ?? response
        }
    }

    private func respond(_ call: RouteCall, on route: Route) async -> APIResponse {
        do throws(Problem) {
            if call.request.isBodyTooLarge {
                if route.bodyBytesMax > Self.unauthenticatedBodyBytesMax {
                    try route.admit?(call.request)
                }
                throw .tooLarge(most: route.bodyBytesMax)
            }
            return try await route.respond(call)
        } catch {
            return error.response
        }
    }
}
