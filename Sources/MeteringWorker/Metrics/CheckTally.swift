import Quotas
import Synchronization

/// Counts checks by mode, outcome and time at once, on the path of every check: two atomic
/// additions, no lock, no lookup, no reference counted.
///
/// One cell for each combination: the counter of checks and the histogram of their time are both
/// sums of cells.
final class CheckTally: Sendable {
    static let modes = ["peek", "consume", "force", "at_most"]
    private static let outcomes = CheckOutcome.allCases.count

    /// 4 modes × 19 outcomes × 14 buckets.
    private let cells = InlineArray<1064, Atomic<Int64>> { _ in Atomic(0) }
    private let time = Atomic<Int64>(0)

    /// - Parameter nanoseconds: From the request to the response.
    func note(_ mode: CheckRequest.Mode, _ outcome: CheckOutcome, _ nanoseconds: Int64) {
        let place = Self.place(
            Int(mode.rawValue) % Self.modes.count, outcome, Buckets.place(of: nanoseconds))
        cells[place].wrappingAdd(1, ordering: .relaxed)
        time.wrappingAdd(max(0, nanoseconds), ordering: .relaxed)
    }

    private static func place(_ mode: Int, _ outcome: CheckOutcome, _ bucket: Int) -> Int {
        (mode * outcomes + outcome.rawValue) * Buckets.count + bucket
    }

    /// Both metrics. A check that is noted meanwhile may be in the one and not yet in the other.
    func samples() -> [MetricName: [MetricSample]] {
        var checks: [MetricSample] = []
        var times = HistogramReading(
            counts: Array(repeating: 0, count: Buckets.count),
            sum: time.load(ordering: .relaxed))
        for (mode, name) in Self.modes.enumerated() {
            for outcome in CheckOutcome.allCases {
                var count: Int64 = 0
                for bucket in 0..<Buckets.count {
                    let cell = cells[Self.place(mode, outcome, bucket)].load(ordering: .relaxed)
                    count += cell
                    times.counts[bucket] += cell
                }
                // Series without an event are left out, except those that every graph and alert
                // needs.
                guard count > 0 || (name == "consume" && outcome.isUsual) else { continue }
                checks.append(.number(count, name, outcome.verdict, outcome.reason))
            }
        }
        return [.checks: checks, .checkDuration: [MetricSample(value: .histogram(times))]]
    }
}

extension CheckOutcome {
    fileprivate var isUsual: Bool { [.allowed, .rateLimit, .countersUnavailable].contains(self) }
}
