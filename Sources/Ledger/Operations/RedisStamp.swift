/// One unbroken life of a Redis node, as far as its counts are concerned.
public struct RedisStamp: Hashable, Sendable {
    public let stamp: UInt64
    public let node: String
    /// µs since 1970-01-01 UTC.
    public let firstSeen: Int64
    /// Clock of Redis, µs since 1970-01-01 UTC.
    public let lastCheckpoint: Int64?
    /// nil while it lives.
    public let endedClean: Bool?
}
