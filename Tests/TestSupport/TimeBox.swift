import FoundationEssentials

/// Bounds a random test by time instead of by count. `while box.hasTime { … }`, then `box.report()`.
///
/// The first turns always come, however slow the machine.
public struct TimeBox {
    private let test: String
    private let deadline: ContinuousClock.Instant
    private let least: Int
    /// Turns begun so far.
    public private(set) var turns = 0

    /// - Parameters:
    ///   - share: The part of `METERING_TEST_SECONDS` (10 when unset) that is this box's, in percent.
    ///   - least: Turns that come also when the time is over, for a test that waits to have seen several kinds.
    public init(_ test: String, share: Int = 100, atLeast least: Int = 1) {
        self.test = test
        self.least = least
        deadline = ContinuousClock.now + .milliseconds(Self.seconds * 10 * share)
    }

    /// Whether tests may take minutes, as in `make test-long`.
    public static var isLong: Bool { seconds >= 60 }

    private static var seconds: Int {
        let wanted = ProcessInfo.processInfo.environment["METERING_TEST_SECONDS"]
        return min(max(wanted.flatMap { Int($0) } ?? 10, 1), 86_400)
    }

    /// Counts one turn and says whether there is time for it.
    public var hasTime: Bool {
        mutating get {
            guard turns < least || ContinuousClock.now < deadline else { return false }
            turns += 1
            return true
        }
    }

    /// Prints how often the test ran.
    public func report() { print("\(turns) turns (\(test))") }
}
