import FrontDoor
import Quotas

/// Every setting of the worker: the one place that says name, default and range.
///
/// The defaults, the check for unknown names and docs/configuration.md are made from it.
enum WorkerKeys {
    static let databaseURL = SettingKey(
        ["database", "url"], .secret(form: "postgresql://user@host/database"),
        "The database, with a login that has the role `metering_worker`; libpq's `key=value` form is taken too."
    )
    static let databaseOwnerURL = SettingKey(
        ["database", "owner_url"], .secret(form: "postgresql://owner@host/database"),
        "For `migrate` only: the database with a login that may create tables and roles.")
    static let databaseListenURL = SettingKey(
        ["database", "listen_url"], .secret(form: "postgresql://user@host/database"),
        "The same database over a direct connection, not through a pooler: changes reach Redis at once. Without it `serve` asks for changes each second."
    )
    static let redisURL = SettingKey(
        ["redis", "url"], .secret(form: "redis://host:6379 or unix:///path"),
        "The Redis that counts.")

    static let httpHost = SettingKey(
        ["http", "host"], .text(default: "127.0.0.1"),
        "The address that the HTTP API listens on; `0.0.0.0` is every one.")
    static let httpPort = SettingKey(
        ["http", "port"], .integer(0...65_535, default: 8080),
        "The port that the HTTP API listens on; 0 takes any free one and logs it.")
    static let requestTimeout = SettingKey(
        ["metering", "request_timeout"],
        .duration(.milliseconds(100) ... .seconds(60), default: .seconds(5)),
        "The most time in which an HTTP request must have arrived whole.")
    static let connectionsMax = SettingKey(
        ["metering", "connections_max"], .integer(1...1_000_000, default: 10_000),
        "The most HTTP connections open at once.")
    static let shutdownTimeout = SettingKey(
        ["metering", "shutdown_timeout"],
        .duration(.seconds(1) ... .seconds(300), default: .seconds(10)),
        "The most time between SIGTERM and the end, with accepted requests and the last checkpoint."
    )

    static let checkpointInterval = SettingKey(
        ["metering", "checkpoint_interval"],
        .duration(.milliseconds(100) ... .seconds(60), default: .seconds(1)),
        "How often counts go from memory to PostgreSQL.")
    static let rollupInterval = SettingKey(
        ["metering", "rollup_interval"],
        .duration(.seconds(1) ... .seconds(3_600), default: .seconds(60)),
        "How often changed clinics are rolled up into `api_usage`.")
    static let sweepInterval = SettingKey(
        ["metering", "sweep_interval"],
        .duration(.seconds(1) ... .seconds(3_600), default: .seconds(60)),
        "How often the counts of every clinic are read from Redis.")
    static let checkTimeout = SettingKey(
        ["metering", "check_timeout"],
        .duration(.milliseconds(1) ... .seconds(5), default: .milliseconds(25)),
        "The most time that Redis may take to answer one check.")
    static let loadTimeout = SettingKey(
        ["metering", "load_timeout"],
        .duration(.milliseconds(1) ... .seconds(5), default: .milliseconds(40)),
        "The most time that a check waits until a clinic that Redis does not know is brought from PostgreSQL."
    )
    static let whenAway = SettingKey(
        ["metering", "when_away"],
        .choice(WhenAway.allCases.map(\.rawValue), default: WhenAway.allow.rawValue),
        "What is answered while Redis is away, where the plan does not say it: `allow` decides at this worker's share of the limit, `deny` answers 503."
    )
    static let awayAllowance = SettingKey(
        ["metering", "away_allowance"], .integer(0...1_000_000_000, default: 60),
        "Units that each worker lets through for a clinic of which it knows nothing, while neither Redis nor PostgreSQL answers; 0 is none."
    )
    static let journalDirectory = SettingKey(
        ["metering", "journal_directory"], .text(default: "none"),
        "A directory on a local disk for what was let through while Redis was away, until PostgreSQL has it; `none` keeps it in memory, where a killed worker loses it."
    )
    static let unknownPerSecond = SettingKey(
        ["metering", "unknown_per_second"], .integer(1...100_000, default: 10),
        "How many ids that a worker never heard of, and that are no clinic, are looked up in PostgreSQL in any second; more are answered 503."
    )
    static let markMaxPerSecond = SettingKey(
        ["metering", "mark_max_per_second"], .integer(1...1_000_000_000, default: 50_000),
        "How fast a clinic without a rate limit can count; a count that rose faster is quarantined."
    )
    static let databaseConnections = SettingKey(
        ["metering", "database_connections"], .integer(2...64, default: 4),
        "The most connections to PostgreSQL.")
    static let preparedStatements = SettingKey(
        ["metering", "prepared_statements"], .flag(default: true),
        "False behind a pooler that cannot keep prepared statements.")
    static let logLevel = SettingKey(
        ["log", "level"],
        .choice(
            ["trace", "debug", "info", "notice", "warning", "error", "critical"], default: "info"),
        "The least important line that is logged, on stderr; not set, commands other than `serve` begin at `warning`."
    )

    static let all = [
        databaseURL, databaseOwnerURL, databaseListenURL, redisURL, httpHost, httpPort,
        requestTimeout, connectionsMax, shutdownTimeout, checkpointInterval, rollupInterval,
        sweepInterval,
        checkTimeout, loadTimeout, whenAway, awayAllowance, journalDirectory, unknownPerSecond,
        markMaxPerSecond, databaseConnections, preparedStatements, logLevel,
    ]
    /// An unknown variable with this beginning stops the start.
    static let prefix = "METERING_"
}
