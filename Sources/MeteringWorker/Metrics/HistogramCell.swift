import Synchronization

/// How often a time fell into each bucket. Costs two atomic additions.
final class HistogramCell: Sendable {
    private let counts = InlineArray<14, Atomic<Int64>> { _ in Atomic(0) }
    private let sum = Atomic<Int64>(0)

    func record(nanoseconds time: Int64) {
        counts[Buckets.place(of: time)].wrappingAdd(1, ordering: .relaxed)
        sum.wrappingAdd(max(0, time), ordering: .relaxed)
    }

    var reading: HistogramReading {
        HistogramReading(
            counts: (0..<Buckets.count).map { counts[$0].load(ordering: .relaxed) },
            sum: sum.load(ordering: .relaxed))
    }
}
