/// How a private Redis is started.
public struct RedisOptions: Sendable {
    /// Whether it listens on 127.0.0.1 too, on a free port. Its Unix socket is always there.
    public var listensOnTCP = false
    /// Whether it writes an append-only file, so that a restart keeps what it held.
    public var appendOnly = true
    /// Directives of `redis.conf`, by name; each replaces ours of the same name.
    public var settings: [String: String] = [:]
    /// With it the port on 127.0.0.1 takes TLS only.
    public var tls: ServerTLS?

    public init(
        listensOnTCP: Bool = false, appendOnly: Bool = true, settings: [String: String] = [:],
        tls: ServerTLS? = nil
    ) {
        self.tls = tls
        self.listensOnTCP = listensOnTCP
        self.appendOnly = appendOnly
        self.settings = settings
    }
}
