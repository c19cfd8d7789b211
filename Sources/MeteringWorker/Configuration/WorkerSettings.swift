import Admission
import Logging
import NIOCore
import Postgres
import Quotas
import Redis
package import Shell

/// The settings of one run, each inside its range.
package struct WorkerSettings: Sendable {
    struct Database: Sendable {
        let connections: Int
        let preparedStatements: PreparedStatements
        fileprivate let source: Settings
    }
    struct HTTP: Sendable, Hashable {
        let host: String
        /// 0 is any free port.
        let port: Int
        /// Paths of PEM files; nil for plain HTTP.
        let certificate: String?
        let key: String?
        let allowsPlaintext: Bool
        let requestTimeout: Duration
        var connectionsMax: Int
    }
    /// The listener for metrics and readiness.
    struct Admin: Sendable, Hashable {
        static let connectionsMax = 64
        let host: String
        /// 0 is any free port.
        let port: Int
        let allowsPlaintext: Bool
    }
    struct Intervals: Sendable, Hashable {
        let checkpoint: Duration
        let rollup: Duration
        let sweep: Duration
    }
    /// The settings for a reverse proxy.
    struct Gateway: Sendable, Hashable {
        let naming: GatewayNaming
        let rules: GatewayRules
    }
    struct Log: Sendable, Hashable {
        enum Format: String, Sendable { case text, json }
        let format: Format
        let level: Logger.Level
        /// False when the level is the default.
        let isGiven: Bool
    }
    /// How a worker answers checks during an outage of a store.
    struct OutageSettings: Sendable, Hashable {
        let policy: OutagePolicy
        let loading: LoadingPace
        /// nil = in memory.
        let journalDirectory: String?
    }
    struct Redis: Sendable {
        let checkTimeout: Duration
        fileprivate let source: Settings
    }

    let database: Database
    let redis: Redis
    let outage: OutageSettings
    var http: HTTP
    /// Nil when it is switched off.
    let admin: Admin?
    let intervals: Intervals
    let markMaxPerSecond: Int
    let gateway: Gateway
    let shutdownTimeout: Duration
    let log: Log
    /// Warnings that do not stop the start, one line each.
    let warnings: [String]

    /// - Parameter file: The JSON file of `--config`.
    package init(environment: [String: String], file: String?) throws(SettingsError) {
        typealias Key = WorkerKeys
        let source = try Settings(
            keys: Key.all, environment: environment, file: file, prefix: Key.prefix)
        database = try Database(
            connections: source.integer(Key.databaseConnections),
            preparedStatements: PreparedStatements(
                rawValue: source.text(Key.preparedStatements)) ?? .automatic,
            source: source)
        redis = try Redis(checkTimeout: source.duration(Key.checkTimeout), source: source)
        outage = try OutageSettings(source)
        http = try HTTP(
            host: source.text(Key.httpHost), port: source.integer(Key.httpPort),
            certificate: source.path(Key.httpCertificate), key: source.path(Key.httpKey),
            allowsPlaintext: source.flag(Key.httpAllowPlaintext),
            requestTimeout: source.duration(Key.requestTimeout),
            connectionsMax: source.integer(Key.connectionsMax))
        admin = try Self.admin(source)
        intervals = try Intervals(
            checkpoint: source.duration(Key.checkpointInterval),
            rollup: source.duration(Key.rollupInterval),
            sweep: source.duration(Key.sweepInterval))
        markMaxPerSecond = try source.integer(Key.markMaxPerSecond)
        gateway = try Gateway(source)
        shutdownTimeout = try source.duration(Key.shutdownTimeout)
        log = try Log(
            format: Log.Format(rawValue: source.text(Key.logFormat)) ?? .text,
            level: source.logLevel(Key.logLevel), isGiven: source.isGiven(Key.logLevel))
        warnings = source.warnings
    }

    /// A free port for the API means several workers on one machine, or a test.
    private static func admin(_ source: Settings) throws(SettingsError) -> Admin? {
        typealias Key = WorkerKeys
        guard try source.flag(Key.httpAdmin) else { return nil }
        let port =
            try source.isGiven(Key.httpAdminPort)
            ? source.integer(Key.httpAdminPort)
            : source.integer(Key.httpPort) == 0 ? 0 : source.integer(Key.httpAdminPort)
        return try Admin(
            host: source.text(Key.httpAdminHost), port: port,
            allowsPlaintext: source.flag(Key.httpAllowPlaintext))
    }
}

extension WorkerSettings.Admin {
    /// Whether only programs of this machine reach the address.
    var isLoopback: Bool {
        switch try? SocketAddress(ipAddress: host, port: 0) {
        case .v4: host.hasPrefix("127.")
        case .v6: host == "::1"
        default: host.lowercased() == "localhost"
        }
    }
}

extension WorkerSettings.Gateway {
    fileprivate init(_ source: Settings) throws(SettingsError) {
        naming = try Self.read(source, WorkerKeys.gatewayClinic, GatewayNaming.form) {
            GatewayNaming($0)
        }
        rules = try Self.read(source, WorkerKeys.gatewayRules, GatewayRules.form) {
            GatewayRules($0)
        }
    }

    private static func read<Value>(
        _ source: Settings, _ key: SettingKey, _ form: String, _ parse: (String) -> Value?
    ) throws(SettingsError) -> Value {
        let text = try source.text(key)
        guard let value = parse(text) else {
            throw .notAllowed(
                name: key.environmentName, value: text, allowed: form,
                default: key.kind.defaultText)
        }
        return value
    }
}

extension WorkerSettings.Database {
    /// How the worker reaches PostgreSQL; its password stays inside.
    func configuration() throws -> PostgresConfiguration {
        try configuration(source.required(secret: WorkerKeys.databaseURL), connections: connections)
    }

    /// How `migrate` reaches it: as the owner, over one connection.
    func ownerConfiguration() throws -> PostgresConfiguration {
        let url =
            try source.secret(WorkerKeys.databaseOwnerURL)
            ?? source.required(secret: WorkerKeys.databaseURL)
        return try configuration(url, connections: 2)
    }

    /// How `serve` listens, over one connection of its own; nil when `DATABASE_LISTEN_URL` is not
    /// set.
    func listenConfiguration() throws -> PostgresConfiguration? {
        guard let url = source.secret(WorkerKeys.databaseListenURL) else { return nil }
        var listening = try configuration(url, connections: 1)
        listening.applicationName = "metering-worker listen"
        return listening
    }

    private func configuration(_ url: String, connections: Int) throws -> PostgresConfiguration {
        var configuration = try PostgresConfiguration(url)
        configuration.applicationName = "metering-worker"
        configuration.poolSize = connections
        configuration.preparedStatements = preparedStatements
        return configuration
    }
}

extension WorkerSettings.OutageSettings {
    fileprivate init(_ source: Settings) throws(SettingsError) {
        typealias Key = WorkerKeys
        policy = try OutagePolicy(
            onOutage: OutageRule(rawValue: source.text(Key.onOutage)) ?? .allow,
            allowance: Int64(source.integer(Key.outageAllowance)),
            checkTimeout: source.duration(Key.checkTimeout))
        loading = try LoadingPace(
            patience: source.duration(Key.loadTimeout),
            unknownClinicsPerSecond: source.integer(Key.unknownPerSecond),
            opening: .seconds(30))
        let directory = try source.text(Key.journalDirectory)
        journalDirectory = directory == "none" ? nil : directory
    }
}

extension WorkerSettings.Redis {
    /// How the worker reaches Redis, or nil when `REDIS_URL` is not set.
    func configurationIfSet() throws -> RedisConfiguration? {
        guard let url = source.secret(WorkerKeys.redisURL) else { return nil }
        return try configuration(url)
    }

    func configuration() throws -> RedisConfiguration {
        try configuration(source.required(secret: WorkerKeys.redisURL))
    }

    private func configuration(_ url: String) throws -> RedisConfiguration {
        typealias Key = WorkerKeys
        let files = RedisTLS.Files(
            authorities: source.path(Key.redisTLSCA),
            certificate: source.path(Key.redisTLSCert), key: source.path(Key.redisTLSKey))
        var configuration = try RedisConfiguration(url, tls: files)
        configuration.commandTimeout = checkTimeout
        return configuration
    }
}
