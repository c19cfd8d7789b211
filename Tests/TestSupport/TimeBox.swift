import FoundationEssentials

/// Bounds a random test by time instead of by count. `while await box.hasTime { … }`, then `box.report()`.
///
/// One box of a process runs at a time (`ProcessorTurn`). Every millisecond it lets other tests have its thread, which
/// does not count as its time. The first turns always come, however slow the machine.
public struct TimeBox {
    private let test: String
    private let share: Int
    private let least: Int
    private var turn: ProcessorTurn?
    private var deadline = ContinuousClock.now
    private var breath = ContinuousClock.now
    /// Turns begun so far.
    public private(set) var turns = 0

    /// - Parameters:
    ///   - share: The part of `METERING_TEST_SECONDS` (5 when unset) that is this box's, in percent.
    ///   - least: Turns that come also when the time is over, for a test that waits to have seen several kinds.
    public init(_ test: String, share: Int = 100, atLeast least: Int = 10) {
        self.test = test
        self.share = share
        self.least = least
    }

    /// Whether tests may take minutes, as in `make test-long`.
    public static var isLong: Bool { seconds >= 60 }

    private static var seconds: Int {
        let wanted = ProcessInfo.processInfo.environment["METERING_TEST_SECONDS"]
        return min(max(wanted.flatMap { Int($0) } ?? 5, 1), 86_400)
    }

    /// Counts one turn and says whether there is time for it.
    public var hasTime: Bool {
        mutating get async {
            if turns == 0, turn == nil {
                turn = await ProcessorTurn.take()
                deadline = ContinuousClock.now + .milliseconds(Self.seconds * 10 * share)
            }
            let now = ContinuousClock.now
            guard turns < least || now < deadline else {
                turn = nil
                return false
            }
            if now - breath > .milliseconds(1) {
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
