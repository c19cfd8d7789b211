/// A Redis node under one replication id.
public struct RedisStamp: Hashable, Sendable {
    public let stamp: UInt64
    public let node: String
    /// µs since 1970-01-01 UTC.
    public let firstSeen: Int64
    /// Clock of Redis, µs since 1970-01-01 UTC.
    public let lastCheckpoint: Int64?
}
