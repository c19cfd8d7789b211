/// What replies show of the clock of Redis: how far it is ahead of ours, between two bounds.
///
/// A reply with the time R, sent for at our time a and received at b, shows that the clock of Redis
/// was between R − b and R − a ahead. The bounds of several replies are intersected. They widen
/// with time, because two clocks may drift apart by 1 in 2,000. All times are µs; ours is any clock
/// that never goes back.
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
    /// A time outside 1970…2286 is none.
    private static let times: ClosedRange<Int64> = 1...10_000_000_000_000_000

    private var bounds: Bounds?

    public init() {}

    /// Sent for at 10 and received at 30 with the time 70 → ahead by 40 to 60.
    public mutating func learn(_ time: Int64, sentAt: Int64, receivedAt: Int64) {
        guard Self.times.contains(time), (0...receivedAt).contains(sentAt),
            receivedAt < Self.times.upperBound
        else { return }
        let new = Bounds(low: time - receivedAt, high: time - sentAt, at: receivedAt)
        guard let old = bounds?.widened(to: receivedAt) else { return bounds = new }
        let cut = Bounds(
            low: max(old.low, new.low), high: min(old.high, new.high), at: receivedAt)
        // Bounds that do not meet: one of the clocks was set, and the latest reply is right.
        bounds = cut.low <= cut.high ? cut : new
    }

    /// The latest that the clock of Redis can show now; nil when nothing useful is known.
    public func latest(at now: Int64) -> Int64? {
        guard let bounds = bounds?.widened(to: now), bounds.spread <= Self.errorMax
        else { return nil }
        return now + bounds.high
    }

    /// About what the clock of Redis shows now, however old the last reply; nil before the first.
    public func estimate(at now: Int64) -> Int64? {
        guard let bounds else { return nil }
        return now + bounds.low + bounds.spread / 2
    }

    /// How far apart the bounds are now, µs.
    public func error(at now: Int64) -> Int64? {
        bounds?.widened(to: now).spread
    }
}
