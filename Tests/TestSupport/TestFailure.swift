/// What makes the rest of a test meaningless, in one sentence: what was expected, and what came.
public struct TestFailure: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
