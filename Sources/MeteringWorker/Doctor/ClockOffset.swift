/// How far the clock of a server is ahead of this machine's, µs: between `low` and `high`, because
/// the round trip took a while.
struct ClockOffset: Hashable, Sendable {
    let low: Int64
    let high: Int64

    static let here = ClockOffset(low: 0, high: 0)

    /// Sent at 10, received at 30 with the time 70 → ahead by 40 to 60.
    /// - Parameters: µs since 1970-01-01 UTC, the first and last by this machine.
    init(before: Int64, time: Int64, after: Int64) {
        self.init(low: time - max(before, after), high: time - min(before, after))
    }

    /// By the whole seconds of this machine's clock, which stand for anything up to the next.
    init(beforeSecond before: Int64, time: Int64, afterSecond after: Int64) {
        self.init(before: before, time: time, after: after + 999_999)
    }

    private init(low: Int64, high: Int64) { (self.low, self.high) = (low, high) }

    /// The part that the round trips cannot explain, µs: 40 to 60 and 0 to 0 → 40.
    func distance(to other: ClockOffset) -> Int64 { max(low - other.high, other.low - high, 0) }
}

extension DoctorCheck {
    /// Further apart than this, a month may turn at different moments for different parts.
    static let skewTolerated: Int64 = 1_000_000
    static let skewMax: Int64 = 60_000_000

    /// - Parameters: nil for a server that gave no time.
    static func clocks(redis: ClockOffset?, database: ClockOffset?) -> DoctorCheck {
        var pairs: [(String, Int64)] = []
        if let redis { pairs.append(("this machine and Redis", redis.distance(to: .here))) }
        if let database {
            pairs.append(("this machine and PostgreSQL", database.distance(to: .here)))
        }
        if let redis, let database {
            pairs.append(("Redis and PostgreSQL", redis.distance(to: database)))
        }
        let worst = pairs.map(\.1).max() ?? 0
        guard redis != nil || database != nil else {
            return .warn(
                "clocks", "no server gave its time", remedy: "fix the servers first")
        }
        guard worst > skewTolerated else {
            let clocks =
                ["this machine"] + (redis == nil ? [] : ["Redis"])
                + (database == nil ? [] : ["PostgreSQL"])
            return .ok("clocks", "within a second: \(clocks.joined(separator: ", "))")
        }
        let far = pairs.filter { $0.1 > skewTolerated }
            .map { "\($0.0) differ by \(Age.text($0.1 / 1_000_000))" }
        let remedy = "set the clocks by NTP (chronyc tracking); months turn by the clock of Redis"
        let found = far.joined(separator: ", ")
        return worst > skewMax
            ? .fail("clocks", found, remedy: remedy) : .warn("clocks", found, remedy: remedy)
    }
}
