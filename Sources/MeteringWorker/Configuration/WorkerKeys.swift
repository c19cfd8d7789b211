import Quotas
import Shell

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
        ["redis", "url"], .secret(form: "redis://host:6379, rediss://host:6379 or unix:///path"),
        "The Redis that counts; `rediss://` is TLS.")
    static let redisTLSCA = SettingKey(
        ["redis", "tls_ca"], .path,
        "The CAs that may vouch for a Redis at `rediss://`, as PEM; not set, those that the system trusts."
    )
    static let redisTLSCert = SettingKey(
        ["redis", "tls_cert"], .path,
        "The certificate shown to a Redis at `rediss://` that wants one, as PEM, with those between it and its CA."
    )
    static let redisTLSKey = SettingKey(
        ["redis", "tls_key"], .path, "The key of `REDIS_TLS_CERT`, as PEM without a passphrase.")

    static let httpHost = SettingKey(
        ["http", "host"], .text(default: "127.0.0.1"),
        "The address that the HTTP API listens on; `0.0.0.0` is every one. Any but loopback needs TLS or `HTTP_ALLOW_PLAINTEXT`."
    )
    static let httpPort = SettingKey(
        ["http", "port"], .integer(0...65_535, default: 8080),
        "The port that the HTTP API listens on; 0 takes any free one and logs it.")
    static let httpCertificate = SettingKey(
        ["http", "tls_cert"], .path,
        "The certificate of the HTTP API and those between it and its root, which makes it HTTPS (TLS 1.2 or later). Read at the start only."
    )
    static let httpKey = SettingKey(
        ["http", "tls_key"], .path,
        "The private key of `HTTP_TLS_CERT`, without passphrase. Read at the start only.")
    static let httpAllowPlaintext = SettingKey(
        ["http", "allow_plaintext"], .flag(default: false),
        "True: a listener may be reached from other machines without TLS, because something before it protects the way."
    )
    static let httpAdmin = SettingKey(
        ["http", "admin"], .flag(default: true),
        "Whether there is a second listener, for `/metrics`, `/healthz` and `/readyz`; it takes no keys."
    )
    static let httpAdminHost = SettingKey(
        ["http", "admin_host"], .text(default: "127.0.0.1"),
        "The address of that listener. One that other machines reach needs `HTTP_ALLOW_PLAINTEXT=true`."
    )
    static let httpAdminPort = SettingKey(
        ["http", "admin_port"], .integer(0...65_535, default: 8081),
        "Its port; 0 takes any free one and logs it, and so does not setting it while `HTTP_PORT` is 0."
    )
    static let requestTimeout = SettingKey(
        ["metering", "request_timeout"],
        .duration(.milliseconds(100) ... .seconds(60), default: .seconds(5)),
        "The most time in which an HTTP request must have arrived whole.")
    static let connectionsMax = SettingKey(
        ["metering", "connections_max"], .integer(1...1_000_000, default: 10_000),
        "The most HTTP connections open at once; fewer where the limit of open files leaves fewer.")
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
    static let onOutage = SettingKey(
        ["metering", "on_outage"],
        .choice(OutageRule.allCases.map(\.rawValue), default: OutageRule.allow.rawValue),
        "What is answered while Redis is away, where the plan does not say it: `allow` decides at this worker's share of the limit, `deny` answers 503."
    )
    static let outageAllowance = SettingKey(
        ["metering", "outage_allowance"], .integer(0...1_000_000_000, default: 60),
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
    static let gatewayClinic = SettingKey(
        ["metering", "gateway_clinic"], .text(default: "header:X-Clinic-Id"),
        "How a proxy that asks `/v1/gateway/check` names the clinic: `header:NAME`, `subdomain:DOMAIN` or `key`."
    )
    static let gatewayRules = SettingKey(
        ["metering", "gateway_rules"], .text(default: "/=default"),
        "Which limit paths behind a proxy count under: `PATH=LIMIT`, `PATH=LIMIT:COST` or `PATH=none`, joined with commas; the longest path decides."
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
    static let logFormat = SettingKey(
        ["log", "format"], .choice(["text", "json"], default: "text"),
        "How a line of the log is written; `json` is one object a line, also for what is said at start and end."
    )

    static let all = [
        databaseURL, databaseOwnerURL, databaseListenURL, redisURL, redisTLSCA, redisTLSCert,
        redisTLSKey, httpHost, httpPort,
        httpCertificate, httpKey, httpAllowPlaintext, httpAdmin, httpAdminHost, httpAdminPort,
        requestTimeout, connectionsMax, shutdownTimeout, checkpointInterval, rollupInterval,
        sweepInterval,
        checkTimeout, loadTimeout, onOutage, outageAllowance, journalDirectory, unknownPerSecond,
        markMaxPerSecond, gatewayClinic, gatewayRules, databaseConnections, preparedStatements,
        logLevel, logFormat,
    ]
    /// An unknown variable with this beginning stops the start.
    static let prefix = "METERING_"
}
