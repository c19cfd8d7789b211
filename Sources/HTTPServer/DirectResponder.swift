/// Handles the requests of one kind without a task; the router handles all others.
public struct DirectResponder: Sendable {
    /// Does the work and calls back once, on any thread, possibly before it returns.
    public typealias Work = @Sendable (_ respond: @escaping @Sendable (APIResponse) -> Void) -> Void

    /// The work for a request, or nil when the router has to handle it.
    let work: @Sendable (APIRequest) -> Work?

    public init(_ work: @escaping @Sendable (APIRequest) -> Work?) {
        self.work = work
    }

    /// Leaves every request to the router.
    public static let none = DirectResponder { _ in nil }
}
