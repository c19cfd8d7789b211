/// What was waited for did not come in time.
public struct WaitedInVain: Error, CustomStringConvertible {
    public let description: String
}

/// Asks `condition` every 10 ms until it holds.
/// - Parameters:
///   - what: Completes the sentence "waited 10 s until …".
///   - limit: Only a bound against hanging; a test that passes does not depend on it.
public func waitUntil(
    _ what: String, within limit: Duration = .seconds(30),
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            throw WaitedInVain(description: "waited \(limit) until \(what), in vain")
        }
        try await Task.sleep(for: .milliseconds(10))
    }
}
