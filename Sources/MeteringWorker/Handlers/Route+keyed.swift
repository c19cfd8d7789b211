import HTTPServer

extension Route {
    /// The work that is left once the request is read and its key is admitted.
    typealias Work = @Sendable (KeyOwner) async throws(Problem) -> APIResponse

    /// A route that needs a key. `read` says what is wrong with the request, then the key is
    /// checked, then the work is done.
    ///
    /// - Parameters:
    ///   - keys: The keys that are valid now.
    ///   - key: Reads the key of a request, in the form of an `Authorization` field.
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
