import Glibc

/// The clock of this machine. It decides when an API key has expired and nothing else.
enum WallClock {
    /// µs since 1970.
    @Sendable static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }
}
