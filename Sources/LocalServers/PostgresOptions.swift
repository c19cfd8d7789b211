/// How a private PostgreSQL is started.
public struct PostgresOptions: Sendable {
    /// Whether it listens on 127.0.0.1 too, on a free port. Its Unix socket is always there.
    public var listensOnTCP = false
    /// Settings of `postgresql.conf`, by name.
    public var settings: [String: String] = [:]
    /// With it 127.0.0.1 takes TLS only.
    public var tls: ServerTLS?

    public init(
        listensOnTCP: Bool = false, settings: [String: String] = [:], tls: ServerTLS? = nil
    ) {
        self.tls = tls
        self.listensOnTCP = listensOnTCP
        self.settings = settings
    }
}
