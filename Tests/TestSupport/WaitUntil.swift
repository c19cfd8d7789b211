/// What was waited for did not come in time. It says what that was, and how long the test waited.
public struct WaitedInVain: Error, CustomStringConvertible {
    public let description: String

    public init(description: String) { self.description = description }
}

/// Asks `condition` every 10 ms until it holds.
/// - Parameters:
///   - what: Completes the sentence "waited 10 s until …"; made only then.
///   - limit: Only a bound against hanging; a test that passes does not depend on it. On a machine so busy that few
///     questions fit into it, it is four times as long.
public func waitUntil(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(30),
    _ condition: () async throws -> Bool
) async throws {
    let start = ContinuousClock.now
    var asked = 0
    while try await !condition() {
        asked += 1
        let waited = ContinuousClock.now - start
        guard waited < limit || (asked < 300 && waited < limit * 4) else {
            throw WaitedInVain(description: "waited \(limit) until \(what()), in vain")
        }
        try await Task.sleep(for: .milliseconds(10))
    }
}
