import HTTPServer

extension Route {
    /// What is left to do once the request was read and its key may ask.
    typealias Work = @Sendable (KeyOwner) async throws(Problem) -> APIResponse

    /// A route that needs a key. `read` says what is wrong with the request, then the key is checked, then the work
    /// is done.
    ///
    /// - Parameters:
    ///   - keys: The keys that are valid now.
    ///   - key: Where a request has its key, as an `Authorization` field would hold it.
    static func keyed(
        _ method: String, _ path: PathTemplate, scope: KeyOwner.Scope, in keys: KeyRing,
        bodyBytesMax: Int = 0,
        key: @escaping @Sendable (APIRequest) -> String? = { $0.field("authorization") },
        _ read: @escaping @Sendable (RouteCall) throws(Problem) -> Work
    ) -> Route {
        Route(
            method, path, scope: scope.rawValue, bodyBytesMax: bodyBytesMax,
            admit: { (request) throws(Problem) in _ = try keys.owner(key(request), in: scope) },
            respond: { (call) async throws(Problem) -> APIResponse in
                let work = try read(call)
                return try await work(try keys.owner(key(call.request), in: scope))
            })
    }
}
