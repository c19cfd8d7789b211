/// Hands a request to what answers it; nothing is decided here, and no server framework is known.
struct Router: Sendable {
    let door: CheckDoor
    let readiness: Readiness

    /// The most bytes that a body may have on this path, so that a server need not keep more.
    func bodyBytesMax(method: String, path: String) -> Int {
        switch RouteMatch(method: method, path: path) {
        case .found(.check): CheckCall.bodyBytesMax
        case .found(.checks): BatchCall.bodyBytesMax
        default: 0
        }
    }

    func answer(_ question: HTTPQuestion) async -> HTTPAnswer {
        let authorization = question.field("authorization")
        switch RouteMatch(method: question.method, path: question.path) {
        case .nothing: return Problem.noSuchRoute.answer
        case .wrongMethod(let allowed): return Problem.methodNotAllowed(allowed).answer
        case .found(.health): return HTTPAnswer(status: 200, json: ["status": "alive"])
        case .found(.readiness): return readiness.answer
        case .found(.usage(let clinic)):
            return await door.usage(of: clinic, authorization: authorization)
        case .found(.check):
            if question.isBodyTooLarge {
                return Problem.tooLarge("a check", bytesMax: CheckCall.bodyBytesMax).answer
            }
            return await door.check(body: question.body, authorization: authorization)
        case .found(.checks):
            if question.isBodyTooLarge {
                let most = BatchCall.bodyBytesMax
                return Problem.tooLarge("a list of checks", bytesMax: most).answer
            }
            return await door.checkMany(body: question.body, authorization: authorization)
        }
    }
}
