import Glibc
public import Testing

/// Records how long each test of a suite ran: `@Suite(.timed)`.
///
/// The runner's own "passed after" starts when a test is queued, and most tests are queued at the
/// start of a run. `scripts/run-tests` names the file in `METERING_TEST_TIMES` and prints the
/// slowest.
public struct TimedTests: SuiteTrait, TestTrait, TestScoping {
    public let isRecursive = true

    @concurrent
    public func provideScope(
        for test: Test, testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        guard let path = Self.path else { return try await function() }
        let start = ContinuousClock.now
        defer { Self.append(ContinuousClock.now - start, test, to: path) }
        try await function()
    }

    private static let path = getenv("METERING_TEST_TIMES").map { String(cString: $0) }

    /// Appends `12.345<TAB>HoldTests.swift: name of the test`. One write, so lines never mix.
    private static func append(_ time: Duration, _ test: Test, to path: String) {
        let seconds = time.formatted()
        let line = "\(seconds)\t\(test.sourceLocation.fileName): \(test.displayName ?? test.name)\n"
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        defer { close(file) }
        _ = write(file, line, line.utf8.count)
    }
}

extension Trait where Self == TimedTests {
    public static var timed: Self { TimedTests() }
}

extension Duration {
    /// Seconds with three digits after the point.
    fileprivate func formatted() -> String {
        let milliseconds =
            components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
        let rest = "\(milliseconds % 1000)"
        return "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
    }
}
