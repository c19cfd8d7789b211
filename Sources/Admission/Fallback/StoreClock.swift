/// How far the clock of Redis is ahead of ours, between two bounds that its replies show.
///
/// A reply carries the time R of Redis. We sent the request at a and received the reply at b, by
/// our own clock. Redis read its clock in between, so it was ahead by at least R − b and at most R
/// − a.
///
/// - Each reply narrows the bounds to what all replies allow.
/// - Time widens them, because two clocks may drift apart by 1 in 2,000.
/// - A reply that contradicts them shows that a clock was set. It replaces the bounds.
///
/// All times are in µs. Our clock may be any that never goes back.
public struct StoreClock: Hashable, Sendable {
    private struct Bounds: Hashable, Sendable {
        var low: Int64
        var high: Int64
        /// Our time at which they held.
        var at: Int64

        var spread: Int64 { high - low }

        func widened(to now: Int64) -> Bounds {
            let drift = max(0, now - at) / StoreClock.drift + 1
            return Bounds(low: low - drift, high: high + drift, at: max(now, at))
        }
    }

    /// Clocks kept by NTP drift by less than 1 in 2,000.
    static let drift: Int64 = 2_000
    /// Bounds further apart than this say nothing useful: 1 s.
    public static let errorMax: Int64 = 1_000_000
    /// A time outside 1970…2286 is no time of a clock, and is passed over.
    private static let times: ClosedRange<Int64> = 1...10_000_000_000_000_000

    private var bounds: Bounds?

    public init() {}

    /// Takes a reply into account: sent at 10, received at 30 with the time 70 → ahead by 40 to 60.
    public mutating func learn(_ time: Int64, sentAt: Int64, receivedAt: Int64) {
        guard Self.times.contains(time), (0...receivedAt).contains(sentAt),
            receivedAt < Self.times.upperBound
        else { return }
        let new = Bounds(low: time - receivedAt, high: time - sentAt, at: receivedAt)
        guard let old = bounds?.widened(to: receivedAt) else { return bounds = new }
        let cut = Bounds(
            low: max(old.low, new.low), high: min(old.high, new.high), at: receivedAt)
        // If they do not meet, one of the clocks was set, and the latest reply is right.
        bounds = cut.low <= cut.high ? cut : new
    }

    /// The latest that the clock of Redis can show now; nil when nothing useful is known.
    public func latest(at now: Int64) -> Int64? {
        guard let bounds = bounds?.widened(to: now), bounds.spread <= Self.errorMax
        else { return nil }
        return now + bounds.high
    }

    /// The middle of what the clock of Redis may show now, however old the last reply is; nil
    /// before the first.
    public func estimate(at now: Int64) -> Int64? {
        guard let bounds else { return nil }
        return now + bounds.low + bounds.spread / 2
    }

    /// How far apart the bounds are now, µs.
    public func error(at now: Int64) -> Int64? {
        bounds?.widened(to: now).spread
    }
}
