/// A plan that cannot be used, and where it is wrong.
public struct PlanError: Error, Hashable, CustomStringConvertible {
    /// For example `metering.limits.default.rate`.
    public let path: String
    public let problem: String

    public init(path: String, problem: String) {
        self.path = path
        self.problem = problem
    }

    public var description: String { "\(path) \(problem)" }
}
