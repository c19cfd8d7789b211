/// Hands a request to the route that answers it; nothing else is decided here, and no server is known.
struct Router: Sendable {
    let table: RouteTable
    let keys: KeyRing

    /// The longest body that is taken from whoever has no key.
    static let strangersBodyBytesMax = 4_096

    /// The most bytes that the body of a request with this head may have, so that a server need not keep more.
    func bodyBytesMax(_ head: HTTPQuestion) -> Int {
        guard case .found(let route, _) = table.place(method: head.method, path: head.path) else {
            return 0
        }
        // Nearly every request ends here, and its key is looked at once.
        guard route.bodyBytesMax > Self.strangersBodyBytesMax, let scope = route.scope else {
            return route.bodyBytesMax
        }
        let isKnown = (try? holder(route.key(head), in: scope)) != nil
        return isKnown ? route.bodyBytesMax : Self.strangersBodyBytesMax
    }

    /// The first that applies decides: 404 or 405 for the path, 413, 400, 401, 403; then what the route says.
    /// For a body over `strangersBodyBytesMax` 401 and 403 come first.
    func answer(_ question: HTTPQuestion) async -> HTTPAnswer {
        switch table.place(method: question.method, path: question.path) {
        case .nothing: return Problem.noSuchRoute.answer
        case .wrongMethod(let allowed): return Problem.methodNotAllowed(allowed).answer
        case .found(let route, let parameters):
            let answer = await self.answer(
                RouteCall(question: question, parameters: parameters), on: route)
            return route.finish?(question, answer) ?? answer
        }
    }

    private func answer(_ call: RouteCall, on route: Route) async -> HTTPAnswer {
        switch route.answering {
        case .open(let answer): return await answer(call.question)
        case .keyed(let scope, let read):
            do throws(Problem) {
                if call.question.isBodyTooLarge {
                    if route.bodyBytesMax > Self.strangersBodyBytesMax {
                        _ = try holder(route.key(call.question), in: scope)
                    }
                    throw .tooLarge(most: route.bodyBytesMax)
                }
                let work = try read(call)
                return try await work(try holder(route.key(call.question), in: scope))
            } catch {
                return error.answer
            }
        }
    }

    private func holder(
        _ authorization: String?, in scope: KeyHolder.Scope
    ) throws(Problem) -> KeyHolder {
        guard let holder = keys.holder(authorization: authorization) else {
            throw .unauthorized
        }
        guard holder.mayAct(in: scope) else { throw .forbidden(scope: scope.rawValue) }
        return holder
    }
}
