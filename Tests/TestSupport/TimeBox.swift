import FoundationEssentials

/// Bounds a random test by time instead of by count. `while await box.hasTime { … }`, then `box.report()`.
///
/// Every ten milliseconds it lets other tests have its thread, which does not count as its time: there are no more
/// threads than processors, and tests that wait for a server have deadlines.
/// The first turns always come, however slow the machine.
public struct TimeBox {
    private let test: String
    private var deadline: ContinuousClock.Instant
    private let least: Int
    private var breath = ContinuousClock.now
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
        mutating get async {
            let now = ContinuousClock.now
            guard turns < least || now < deadline else { return false }
            if now - breath > .milliseconds(10) {
                await Task.yield()
                breath = .now
                deadline += breath - now
            }
            turns += 1
            return true
        }
    }

    /// Prints how often the test ran.
    public func report() { print("\(turns) turns (\(test))") }
}
