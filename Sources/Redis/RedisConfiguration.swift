/// The address of Redis, the client's credentials, and its limits.
public struct RedisConfiguration: Sendable, Hashable {
    public enum Address: Sendable, Hashable {
        /// `host` is a name, an IPv4 address or an IPv6 address without brackets.
        case tcp(host: String, port: Int)
        case unix(path: String)
    }

    public var address: Address
    /// An ACL user; `nil` is the default user.
    public var username: String?
    /// `nil` sends no AUTH unless `username` is set.
    public var password: String?
    public var database: Int
    /// `nil` sends everything in the clear.
    public var tls: RedisTLS?
    /// Shown by CLIENT LIST.
    public var clientName = "metering-worker"

    /// For the socket, AUTH and SELECT together.
    public var connectTimeout: Duration = .seconds(1)
    /// For a command that names no timeout of its own.
    public var commandTimeout: Duration = .milliseconds(25)
    /// Commands that wait or are unanswered, per connection.
    public var pendingMax = 10_000
    /// Bytes of these commands, per connection.
    public var pendingBytesMax = 64 << 20
    /// Connections in all; `nil` is one per event loop.
    public var connections: Int?

    /// Bytes of one reply.
    public var replyBytesMax = 1 << 20
    /// Arrays inside arrays, 1...7. hiredis itself goes no deeper than 7.
    public var replyDepthMax = 4
    /// Elements of one reply over all its arrays.
    public var replyElementsMax = 10_000

    public init(address: Address, database: Int = 0) {
        self.address = address
        self.database = database
    }
}

extension RedisConfiguration: CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The address as a URL without the password: `redis://worker@db:6379/0`.
    public var description: String {
        let user = username.map { "\($0)@" } ?? ""
        switch address {
        case .tcp(let host, let port):
            let name = host.contains(":") ? "[\(host)]" : host
            return "\(tls == nil ? "redis" : "rediss")://\(user)\(name):\(port)/\(database)"
        case .unix(let path):
            return "unix://\(user)\(path)?db=\(database)"
        }
    }

    public var debugDescription: String { description }

    /// `dump` and test failures print this, so it omits the password.
    public var customMirror: Mirror { Mirror(self, children: ["address": description]) }
}
