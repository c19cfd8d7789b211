/// The moment when we stop waiting, and how long that was from the start of the call.
struct Deadline: Sendable {
    let limit: Duration
    let instant: ContinuousClock.Instant

    init(in limit: Duration) {
        self.limit = limit
        self.instant = .now.advanced(by: limit)
    }

    /// Whole milliseconds left, rounded up so that a wait never ends early; 0 when it is over.
    var milliseconds: Int32 { Self.milliseconds(until: instant) }

    static func milliseconds(until instant: ContinuousClock.Instant) -> Int32 {
        let (seconds, attoseconds) = ContinuousClock.now.duration(to: instant).components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < 1_000_000 else { return 1_000_000_000 }
        let fraction = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return Int32(seconds * 1_000 + fraction)
    }
}
