/// The address of PostgreSQL, the login, and the timeouts.
public struct PostgresConfiguration: Sendable {
    /// The settings as given, for libpq. Holds a password: never print it.
    let conninfo: String
    /// The parts of the address that may be shown.
    let address: Address

    /// Shown in `pg_stat_activity`.
    public var applicationName = "metering-worker"
    /// Whether `applicationName` wins over a name in the URL or in PGAPPNAME.
    public var namesItself = false
    /// Replaces the password of the URL.
    public var password: String?
    /// Returns the password of each new connection, for tokens that expire. Runs on a thread of its
    /// own, so it may block; `connectTimeout` covers it.
    public var passwordSource: (@Sendable () throws -> String)?
    /// Allowed for one connection: names, all hosts, TLS and login.
    public var connectTimeout: Duration = .seconds(5)
    /// Allowed for waiting until a connection of the pool is free.
    public var waitTimeout: Duration = .seconds(5)
    /// Allowed for one call, and for each wait of a stream or COPY.
    public var callTimeout: Duration = .seconds(10)
    /// Connections open at most, `1...64`.
    public var poolSize = 4
    /// Callers that may wait for a connection; one more is refused.
    public var waitersMax = 64
    /// A connection older than this is replaced when it comes back, at 80 to 100 % of the age.
    public var connectionLifetime: Duration = .seconds(30 * 60)
    /// Whether statements are parsed once for a session and then run by name.
    public var preparedStatements = PreparedStatements.automatic
    /// Called after each call with the statement's name or `COMMIT`, its time, and whether it
    /// failed.
    public var onCall: (@Sendable (_ name: String, _ took: Duration, _ failed: Bool) -> Void)?
}
