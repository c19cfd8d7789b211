import NIOCore

/// How long to rest before the next attempt: 50 ms doubled with each failure, at most 5 s.
///
/// The rest is drawn from the upper half, so that a restarted server does not meet every worker at
/// once:
/// after the third failure in a row 100...200 ms.
struct Backoff {
    static let shortest = TimeAmount.milliseconds(50)
    static let longest = TimeAmount.seconds(5)

    private(set) var failures = 0

    mutating func fail(using random: inout some RandomNumberGenerator) -> TimeAmount {
        let doubled = Self.shortest.nanoseconds << Int64(min(failures, 10))
        failures += 1
        let full = min(doubled, Self.longest.nanoseconds)
        return .nanoseconds(Int64.random(in: full / 2...full, using: &random))
    }

    mutating func reset() { failures = 0 }
}
