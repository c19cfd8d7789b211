import Postgres
import Quotas
import Shell

/// Every setting of the worker: the one place that says name, default and range.
///
/// The defaults, the check for unknown names and docs/configuration.md are made from it.
enum WorkerKeys {
    static let databaseURL = SettingKey(
        ["database", "url"], .secret(form: "postgresql://user@host/database"),
        "The database, with a login that has the role `metering_worker`; libpq's `key=value` form "
            + "works too."
    )
    static let databaseOwnerURL = SettingKey(
        ["database", "owner_url"], .secret(form: "postgresql://owner@host/database"),
        "For `migrate` only: the database with a login that may create tables and roles.")
    static let databaseListenURL = SettingKey(
        ["database", "listen_url"], .secret(form: "postgresql://user@host/database"),
        "The same database over a direct connection, not through a pooler: changes reach Redis at "
            + "once. Without it, `serve` polls for changes every second."
    )
    static let redisURL = SettingKey(
        ["redis", "url"], .secret(form: "redis://host:6379, rediss://host:6379 or unix:///path"),
        "The Redis that counts; `rediss://` is TLS.")
    static let redisTLSCA = SettingKey(
        ["redis", "tls_ca"], .path,
        "The CAs trusted for a Redis at `rediss://`, as PEM; by default, those that the system "
            + "trusts."
    )
    static let redisTLSCert = SettingKey(
        ["redis", "tls_cert"], .path,
        "The client certificate for a Redis at `rediss://` that asks for one, as PEM, with its "
            + "intermediate certificates."
    )
    static let redisTLSKey = SettingKey(
        ["redis", "tls_key"], .path, "The key of `REDIS_TLS_CERT`, as PEM without a passphrase.")

    static let httpHost = SettingKey(
        ["http", "host"], .text(default: "127.0.0.1"),
        "The address that the HTTP API listens on; `0.0.0.0` is all addresses. Any but loopback "
            + "needs TLS or `HTTP_ALLOW_PLAINTEXT`."
    )
    static let httpPort = SettingKey(
        ["http", "port"], .integer(0...65_535, default: 8080),
        "The port that the HTTP API listens on; 0 takes any free port and logs it.")
    static let httpCertificate = SettingKey(
        ["http", "tls_cert"], .path,
        "The certificate of the HTTP API with its intermediate certificates, which makes it HTTPS "
            + "(TLS 1.2 or later). Read at the start only."
    )
    static let httpKey = SettingKey(
        ["http", "tls_key"], .path,
        "The private key of `HTTP_TLS_CERT`, without passphrase. Read at the start only.")
    static let httpAllowPlaintext = SettingKey(
        ["http", "allow_plaintext"], .flag(default: false),
        "True: other machines may reach a listener without TLS, because a proxy or a private "
            + "network protects the connection."
    )
    static let httpAdmin = SettingKey(
        ["http", "admin"], .flag(default: true),
        "Whether there is a second listener, for `/metrics`, `/healthz` and `/readyz`; it takes "
            + "no keys."
    )
    static let httpAdminHost = SettingKey(
        ["http", "admin_host"], .text(default: "127.0.0.1"),
        "The address of that listener. An address that other machines can reach needs "
            + "`HTTP_ALLOW_PLAINTEXT=true`."
    )
    static let httpAdminPort = SettingKey(
        ["http", "admin_port"], .integer(0...65_535, default: 8081),
        "Its port; 0 takes any free port and logs it, and so does an unset value while `HTTP_PORT` "
            + "is 0."
    )
    static let requestTimeout = SettingKey(
        ["metering", "request_timeout"],
        .duration(.milliseconds(100) ... .seconds(60), default: .seconds(5)),
        "The most time that a whole HTTP request may take to arrive.")
    static let connectionsMax = SettingKey(
        ["metering", "connections_max"], .integer(1...1_000_000, default: 10_000),
        "The most HTTP connections open at once; the limit of open files may lower it.")
    static let shutdownTimeout = SettingKey(
        ["metering", "shutdown_timeout"],
        .duration(.seconds(1) ... .seconds(300), default: .seconds(10)),
        "The most time from SIGTERM to the end of the process, accepted requests and the last "
            + "checkpoint included."
    )

    static let checkpointInterval = SettingKey(
        ["metering", "checkpoint_interval"],
        .duration(.milliseconds(100) ... .seconds(60), default: .seconds(1)),
        "How often a checkpoint writes counts from memory to PostgreSQL.")
    static let rollupInterval = SettingKey(
        ["metering", "rollup_interval"],
        .duration(.seconds(1) ... .seconds(3_600), default: .seconds(60)),
        "How often a worker rolls changed clinics up into `api_usage`.")
    static let sweepInterval = SettingKey(
        ["metering", "sweep_interval"],
        .duration(.seconds(1) ... .seconds(3_600), default: .seconds(60)),
        "How often a worker reads the counts of every clinic from Redis.")
    static let checkTimeout = SettingKey(
        ["metering", "check_timeout"],
        .duration(.milliseconds(1) ... .seconds(5), default: .milliseconds(25)),
        "The most time that Redis may take to answer one check.")
    static let loadTimeout = SettingKey(
        ["metering", "load_timeout"],
        .duration(.milliseconds(1) ... .seconds(5), default: .milliseconds(40)),
        "The most time that a check waits for PostgreSQL to load a clinic that Redis does not know."
    )
    static let onOutage = SettingKey(
        ["metering", "on_outage"],
        .choice(OutageRule.allCases.map(\.rawValue), default: OutageRule.allow.rawValue),
        "What a worker answers during an outage of Redis, unless the plan says it: `allow` decides "
            + "at this worker's share of the limit, `deny` answers 503."
    )
    static let outageAllowance = SettingKey(
        ["metering", "outage_allowance"], .integer(0...1_000_000_000, default: 60),
        "Units that each worker allows for an unknown clinic while neither Redis nor PostgreSQL "
            + "answers; 0 is none."
    )
    static let journalDirectory = SettingKey(
        ["metering", "journal_directory"], .text(default: "none"),
        "A directory on a local disk for the journal: units allowed during an outage of Redis, "
            + "until PostgreSQL has them. `none` keeps them in memory, where a killed worker loses "
            + "them."
    )
    static let unknownPerSecond = SettingKey(
        ["metering", "unknown_per_second"], .integer(1...100_000, default: 10),
        "How many unknown ids that turn out to be no clinic a worker looks up in PostgreSQL in any "
            + "second; it answers 503 to more."
    )
    static let markMaxPerSecond = SettingKey(
        ["metering", "mark_max_per_second"], .integer(1...1_000_000_000, default: 50_000),
        "The most units a second that a clinic without a rate limit can count; a count that rises "
            + "faster goes to quarantine."
    )
    static let gatewayClinic = SettingKey(
        ["metering", "gateway_clinic"], .text(default: "header:X-Clinic-Id"),
        "How a proxy that calls `/v1/gateway/check` names the clinic: `header:NAME`, "
            + "`subdomain:DOMAIN` or `key`."
    )
    static let gatewayRules = SettingKey(
        ["metering", "gateway_rules"], .text(default: "/=default"),
        "Which limit counts the paths behind a proxy: `PATH=LIMIT`, `PATH=LIMIT:COST` or "
            + "`PATH=none`, separated by commas; the longest path decides."
    )
    static let databaseConnections = SettingKey(
        ["metering", "database_connections"], .integer(2...64, default: 4),
        "The most connections to PostgreSQL.")
    static let preparedStatements = SettingKey(
        ["metering", "prepared_statements"],
        .choice(PreparedStatements.allCases.map(\.rawValue), default: "auto"),
        "Whether PostgreSQL parses a statement once for a session; `auto` does so on a direct "
            + "connection and not behind a pooler."
    )
    static let logLevel = SettingKey(
        ["log", "level"],
        .choice(
            ["trace", "debug", "info", "notice", "warning", "error", "critical"], default: "info"),
        "The lowest level that is logged, on stderr; when it is not set, commands other than "
            + "`serve` log from `warning`."
    )
    static let logFormat = SettingKey(
        ["log", "format"], .choice(["text", "json"], default: "text"),
        "The format of the log; `json` writes one object a line, messages at start and end "
            + "included."
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
