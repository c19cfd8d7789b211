import Glibc

/// The clock of this machine. It decides when an API key has expired, and the doctor compares it
/// with others; a second is fine enough for both.
enum WallClock {
    /// µs since 1970.
    @Sendable static func now() -> Int64 { Int64(time(nil)) * 1_000_000 }
}
