import Counters
import Ledger
import Logging
import NIOCore
import Postgres
import Redis
import Shell
import SystemPackage
import Values

/// Why a worker does not start, each with the setting to look at and its remedy.
enum StartError: Error, CustomStringConvertible {
    case databaseAddress(String)
    case listenAddress(String)
    case databaseAway(String, setting: String)
    case databaseRefuses(String, setting: String)
    case databaseUntrusted(String, setting: String)
    case redisAddress(String)
    case redisFile(String, setting: String)
    case redisUntrusted(RedisTLSProblem)
    case redisRefuses(String)
    case redisTooOld(String)
    case redisEvicts(String)
    case redisIsReplica
    case redisAway(String)
    case journalDirectory(String, reason: String)
    case openFiles(most: Int, needed: Int)
    case cannotListen(host: String, port: Int, reason: String)
    case cannotListenAdmin(host: String, port: Int, reason: String)
    case adminPlaintext(host: String)
    case plaintext(host: String)
    case tlsHalf(given: SettingKey, missing: SettingKey)
    case tlsFile(path: String, setting: SettingKey)

    var description: String {
        switch self {
        case .databaseAddress(let problem):
            "DATABASE_URL cannot be used: \(problem); write it as postgresql://user@host/database"
        case .listenAddress(let problem):
            "DATABASE_LISTEN_URL cannot be used: \(problem); write it as postgresql://user@host/database"
        case .databaseAway(let reason, let setting):
            "\(setting): \(reason); check that PostgreSQL runs and that the URL is right"
        case .databaseRefuses(let reason, let setting):
            "\(setting): \(reason); check the user and the password in the URL, or in ~/.pgpass"
        case .databaseUntrusted(let reason, let setting):
            "\(setting): \(reason); see to it that sslrootcert names the CA of the server's certificate, and "
                + "the host is written as in that certificate (docs/transport.md)"
        case .redisAddress(let problem):
            "REDIS_URL cannot be used: \(problem); write it as redis://host:6379, rediss://host:6379 (TLS) or "
                + "unix:///path"
        case .redisFile(let problem, let setting):
            "\(setting): the file \(Console.oneLine(problem)); name a PEM file that this user may read"
        case .redisUntrusted(let problem):
            "REDIS_URL: no encrypted connection: \(problem); \(problem.advice)"
        case .redisRefuses(let code):
            "REDIS_URL: Redis refused the user or the password (\(code)); give those that Redis knows as "
                + "redis://user:password@host, without a user as redis://:password@host"
        case .redisTooOld(let version):
            "REDIS_URL leads to Redis \(version); 7.0 or later is needed, because counting is done by "
                + "functions: upgrade Redis, or name another server"
        case .redisEvicts(let policy):
            "the Redis of REDIS_URL has maxmemory-policy \(policy), which throws counters away when memory is "
                + "full: set it to noeviction (CONFIG SET maxmemory-policy noeviction)"
        case .redisIsReplica:
            "REDIS_URL leads to a replica, which cannot count: name the primary"
        case .redisAway(let reason):
            "REDIS_URL: Redis gives no answer: \(reason); check that it runs and that the URL is right"
        case .journalDirectory(let path, let reason):
            "METERING_JOURNAL_DIRECTORY \(TerminalText.quoted(path)) cannot be used: \(reason); name a directory on a "
                + "local disk that this login may write to, or none"
        case .openFiles(let most, let needed):
            "METERING_CONNECTIONS_MAX: this process may open \(most) files, and the worker alone needs no fewer: allow "
                + "\(needed) (LimitNOFILE of systemd, ulimit -n of a shell)"
        case .cannotListen(let host, let port, let reason):
            "HTTP_PORT \(port) of HTTP_HOST \(TerminalText.quoted(host)) cannot be listened on: \(reason); name a port "
                + "that is free, 0 for any, or an address of this machine"
        case .cannotListenAdmin(let host, let port, let reason):
            "HTTP_ADMIN_PORT \(port) of HTTP_ADMIN_HOST \(TerminalText.quoted(host)) cannot be listened on: \(reason); "
                + "name a port that is free, 0 for any, or switch metrics off with HTTP_ADMIN=false"
        case .adminPlaintext(let host):
            "HTTP_ADMIN_HOST \(TerminalText.quoted(host)) is reached from other machines, and metrics are neither encrypted "
                + "nor asked a key for: use 127.0.0.1, or set HTTP_ALLOW_PLAINTEXT=true where only Prometheus gets through"
        case .plaintext(let host):
            "HTTP_HOST \(TerminalText.quoted(host)) can be reached from other machines, and API keys would cross the "
                + "network in the clear: set HTTP_TLS_CERT and HTTP_TLS_KEY, or HTTP_ALLOW_PLAINTEXT=1 where "
                + "something before this worker speaks TLS"
        case .tlsHalf(let given, let missing):
            "\(given.environmentName) is set and \(missing.environmentName) is not; set both, or neither for "
                + "plain HTTP"
        case .tlsFile(let path, let setting):
            "\(setting.environmentName): \(TerminalText.quoted(path)) cannot be used; name a PEM file that this user may "
                + "read, and a certificate and a key without passphrase that belong together"
        }
    }
}

extension StartError {
    /// nil for all that explains itself.
    init?(database error: any Error, setting: String = "DATABASE_URL") {
        let cause: PostgresError
        switch error {
        case LedgerError.store(let error): cause = error
        case MigrationError.store(let error): cause = error
        default: return nil
        }
        switch cause {
        case .connect, .deadline, .connectionLost:
            self = .databaseAway("\(cause)", setting: setting)
        case .authentication: self = .databaseRefuses("\(cause)", setting: setting)
        case .untrusted: self = .databaseUntrusted("\(cause)", setting: setting)
        default: return nil
        }
    }

    /// nil for what is not about the address to listen on.
    init?(listening http: WorkerSettings.HTTP, _ error: any Error) {
        guard let reason = Self.reason(listening: error) else { return nil }
        self = .cannotListen(host: http.host, port: http.port, reason: reason)
    }

    /// nil for what is not about the address to listen on.
    init?(listening admin: WorkerSettings.Admin, _ error: any Error) {
        guard let reason = Self.reason(listening: error) else { return nil }
        self = .cannotListenAdmin(host: admin.host, port: admin.port, reason: reason)
    }

    private static func reason(listening error: any Error) -> String? {
        switch error {
        case let error as IOError: "\(Errno(rawValue: error.errnoCode))"
        case is SocketAddressError, is SocketAddressError.UnknownHost: "there is no such address"
        default: nil
        }
    }

    /// What is wrong before anything connects.
    init(redisSettings error: RedisError) {
        switch error {
        case .configuration(let problem): self = .redisAddress(problem)
        case .tlsFile(let file, let problem):
            self = .redisFile(problem, setting: file.setting.environmentName)
        default: self.init(error)
        }
    }

    init(_ error: RedisError) {
        switch error {
        case .authentication(let code): self = .redisRefuses(code)
        case .tls(let problem): self = .redisUntrusted(problem)
        default: self = .redisAway("\(error)")
        }
    }
}

extension RedisTLS.File {
    var setting: SettingKey {
        switch self {
        case .authorities: WorkerKeys.redisTLSCA
        case .certificate: WorkerKeys.redisTLSCert
        case .key: WorkerKeys.redisTLSKey
        }
    }
}

extension RedisTLSProblem {
    /// What an operator does about it.
    var advice: String {
        switch self {
        case .notTrusted:
            "name the CA of that certificate in REDIS_TLS_CA, and look at its dates"
        case .wrongHost: "write the host in REDIS_URL as it stands in the certificate"
        case .clientCertificateRefused:
            "name a certificate that this Redis trusts in REDIS_TLS_CERT, and its key in REDIS_TLS_KEY"
        case .notTLS: "name the TLS port of Redis in REDIS_URL"
        case .hungUp, .noAnswer:
            "name the TLS port of Redis in REDIS_URL, and where it wants a certificate, REDIS_TLS_CERT and "
                + "REDIS_TLS_KEY"
        case .handshake: "see the log of Redis; TLS 1.2 or later is needed"
        }
    }
}

extension WorkerSettings {
    /// Where to listen for changes; nil when that is not set.
    func listenAddress() throws -> PostgresConfiguration? {
        do { return try database.listenConfiguration() } catch PostgresError.configuration(
            let problem)
        {
            throw StartError.listenAddress(problem)
        }
    }

    /// Both addresses, read before anything connects.
    func addresses() throws -> (PostgresConfiguration, RedisConfiguration) {
        do {
            return (try database.configuration(), try redis.configuration())
        } catch PostgresError.configuration(let problem) {
            throw StartError.databaseAddress(problem)
        } catch let error as RedisError {
            throw StartError(redisSettings: error)
        }
    }
}

extension Worker {
    /// Everything that must be right before the first request; the first fault ends the start.
    func checkStart() async throws {
        do {
            try await ledger.requireLeastPrivilege()
        } catch {
            throw StartError(database: error) ?? error
        }
        try await ledger.usage.prepareMonths()
        try await ledger.plans.reconsider()
        let info: RedisInfo
        do {
            info = try await redis.info(timeout: .seconds(2))
        } catch {
            throw StartError(error)
        }
        try Self.check(info, logger: logger)
        try await counters.install()
        do throws(JournalError) {
            let adopted = try await journal.open()
            guard adopted > 0 else { return }
            logger.notice(
                "journals of earlier runs are taken over", metadata: ["files": "\(adopted)"])
        } catch {
            throw StartError.journalDirectory(error.path, reason: error.reason)
        }
    }

    /// - Parameter logger: Gets what is a risk but no reason to refuse.
    static func check(_ info: RedisInfo, logger: Logger) throws(StartError) {
        guard let major = info.majorVersion, major >= 7 else {
            throw .redisTooOld(info.version ?? "of unknown version")
        }
        if info.role == "slave" { throw .redisIsReplica }
        let policy = info.maxmemoryPolicy ?? "noeviction"
        if policy.hasPrefix("allkeys-") { throw .redisEvicts(policy) }
        if policy != "noeviction" {
            logger.warning(
                "Redis may drop keys that expire; counters do not, so they are safe",
                metadata: ["maxmemory-policy": "\(policy)"])
        }
        guard !info.aofEnabled else { return }
        logger.warning(
            """
            Redis writes no append-only file: what it counted and no worker checkpointed is lost when it \
            stops; set appendonly yes
            """)
    }
}
