/// What a histogram holds at one moment.
struct HistogramReading: Hashable, Sendable {
    /// How many fell into each bucket alone, in the order of `Buckets`.
    var counts: [Int64]
    /// Nanoseconds.
    var sum: Int64
}
