import FoundationEssentials

/// Bounds a random test by time instead of by count. `while box.hasTime { … }`, then `box.report()`.
///
/// The first turn always comes, however slow the machine.
public struct TimeBox {
    private let test: String
    private let deadline: ContinuousClock.Instant
    /// Turns begun so far.
    public private(set) var turns = 0

    /// - Parameter share: The part of `METERING_TEST_SECONDS` (10 when unset) that is this box's, in percent.
    public init(_ test: String, share: Int = 100) {
        self.test = test
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
            guard turns == 0 || ContinuousClock.now < deadline else { return false }
            turns += 1
            return true
        }
    }

    /// Prints how often the test ran.
    public func report() { print("\(turns) turns (\(test))") }
}
