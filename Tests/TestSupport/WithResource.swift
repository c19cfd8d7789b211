/// Makes a resource, lends it to `body`, and releases it exactly once, however `body` ends.
///
/// A test that is cancelled releases too: the release runs in a task of its own, so its calls are
/// not cancelled. A release that fails fails the test; `CleanUpFailed` then names both errors.
/// - Returns: What `body` returns.
public func withResource<Resource: Sendable, Value>(
    _ make: () async throws -> Resource,
    release: @escaping @Sendable (Resource) async throws -> Void,
    _ body: (Resource) async throws -> Value
) async throws -> Value {
    let resource = try await make()
    let outcome: Result<Value, any Error>
    do { outcome = .success(try await body(resource)) } catch { outcome = .failure(error) }
    let released = await Task { try await release(resource) }.result
    switch (outcome, released) {
    case (.failure(let cause), .failure(let error)): throw CleanUpFailed(error, after: cause)
    case (.success, .failure(let error)): throw CleanUpFailed(error, after: nil)
    case (_, .success): return try outcome.get()
    }
}

/// A test could not release what it had made.
public struct CleanUpFailed: Error, CustomStringConvertible {
    public let reason: any Error
    /// Why the test had failed before; nil when it had not.
    public let cause: (any Error)?

    init(_ reason: any Error, after cause: (any Error)?) {
        (self.reason, self.cause) = (reason, cause)
    }

    public var description: String {
        let failure = cause.map { "the test failed: \($0); and then " } ?? ""
        return "\(failure)the clean-up failed: \(reason)"
    }
}
