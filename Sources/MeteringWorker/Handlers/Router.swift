/// Hands a request to the route that answers it; nothing else is decided here, and no server is known.
struct Router: Sendable {
    let table: RouteTable
    let keys: KeyRing

    /// The longest body that is taken from whoever has no key.
    static let unauthenticatedBodyBytesMax = 4_096

    /// The most bytes that the body of a request with this head may have, so that a server need not keep more.
    func bodyBytesMax(_ head: APIRequest) -> Int {
        guard case .found(let route, _) = table.place(method: head.method, path: head.path) else {
            return 0
        }
        // Nearly every request ends here, and its key is looked at once.
        guard route.bodyBytesMax > Self.unauthenticatedBodyBytesMax, let scope = route.scope else {
            return route.bodyBytesMax
        }
        let isKnown = (try? owner(route.key(head), in: scope)) != nil
        return isKnown ? route.bodyBytesMax : Self.unauthenticatedBodyBytesMax
    }

    /// The first that applies decides: 404 or 405 for the path, 413, 400, 401, 403; then what the route says.
    /// For a body over `unauthenticatedBodyBytesMax` 401 and 403 come first.
    func respond(to request: APIRequest) async -> APIResponse {
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
        switch route.answering {
        case .open(let answer): return await answer(call.request)
        case .keyed(let scope, let read):
            do throws(Problem) {
                if call.request.isBodyTooLarge {
                    if route.bodyBytesMax > Self.unauthenticatedBodyBytesMax {
                        _ = try owner(route.key(call.request), in: scope)
                    }
                    throw .tooLarge(most: route.bodyBytesMax)
                }
                let work = try read(call)
                return try await work(try owner(route.key(call.request), in: scope))
            } catch {
                return error.response
            }
        }
    }

    private func owner(
        _ authorization: String?, in scope: KeyOwner.Scope
    ) throws(Problem) -> KeyOwner {
        guard let owner = keys.owner(authorization: authorization) else {
            throw .unauthorized
        }
        guard owner.mayAct(in: scope) else { throw .forbidden(scope: scope.rawValue) }
        return owner
    }
}
