/// Upper bounds of the buckets of every histogram, in nanoseconds, without the last one, which has
/// none.
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
