import Metrics
import Synchronization

/// One number that many threads raise or set.
final class NumberCell: CounterHandler, RecorderHandler {
    private let number = Atomic<Int64>(0)

    var value: Int64 { number.load(ordering: .relaxed) }

    func increment(by amount: Int64) { number.wrappingAdd(amount, ordering: .relaxed) }
    func reset() { number.store(0, ordering: .relaxed) }
    func record(_ value: Int64) { number.store(value, ordering: .relaxed) }

    /// The protocol demands it; the worker itself records whole numbers only.
    func record(_ value: Double) { record(Int64(exactly: value.rounded()) ?? 0) }
}

/// Upper bounds of the buckets of every histogram, in nanoseconds, without the last one, which has none.
enum Buckets {
    static let bounds: InlineArray<13, Int64> = [
        100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000,
        50_000_000, 100_000_000, 250_000_000, 1_000_000_000, 5_000_000_000,
    ]
    static let count = 14

    /// The place of the first bucket that holds it: 1 ms is in bucket 3, whose bound is 1 ms.
    static func place(of nanoseconds: Int64) -> Int {
        var place = 0
        while place < bounds.count, nanoseconds > bounds[place] { place += 1 }
        return place
    }
}

/// How often a time fell into each bucket. Costs two atomic additions.
final class HistogramCell: TimerHandler {
    private let counts = InlineArray<14, Atomic<Int64>> { _ in Atomic(0) }
    private let sum = Atomic<Int64>(0)

    func recordNanoseconds(_ time: Int64) {
        counts[Buckets.place(of: time)].wrappingAdd(1, ordering: .relaxed)
        sum.wrappingAdd(max(0, time), ordering: .relaxed)
    }

    var reading: HistogramReading {
        HistogramReading(
            counts: (0..<Buckets.count).map { counts[$0].load(ordering: .relaxed) },
            sum: sum.load(ordering: .relaxed))
    }
}
