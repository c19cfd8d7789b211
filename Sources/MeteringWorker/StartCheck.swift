import Counters
import FrontDoor
import Ledger
import Logging
import NIOCore
import Postgres
import Redis
import SystemPackage

/// Why a worker does not start, each with the setting to look at and its remedy.
enum StartError: Error, CustomStringConvertible {
    case databaseAddress(String)
    case listenAddress(String)
    case databaseAway(String, setting: String)
    case databaseRefuses(String, setting: String)
    case redisAddress(String)
    case redisRefuses(String)
    case redisTooOld(String)
    case redisEvicts(String)
    case redisIsReplica
    case redisAway(String)
    case journalDirectory(String, reason: String)
    case cannotListen(host: String, port: Int, reason: String)

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
        case .redisAddress(let problem):
            "REDIS_URL cannot be used: \(problem); write it as redis://host:6379 or unix:///path"
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
            "METERING_JOURNAL_DIRECTORY \(Console.shown(path)) cannot be used: \(reason); name a directory on a "
                + "local disk that this login may write to, or none"
        case .cannotListen(let host, let port, let reason):
            "HTTP_PORT \(port) of HTTP_HOST \(Console.shown(host)) cannot be listened on: \(reason); name a port "
                + "that is free, 0 for any, or an address of this machine"
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
        default: return nil
        }
    }

    /// nil for what is not about the address to listen on.
    init?(listening http: WorkerSettings.HTTP, _ error: any Error) {
        let reason: String
        switch error {
        case let error as IOError: reason = "\(Errno(rawValue: error.errnoCode))"
        case is SocketAddressError, is SocketAddressError.UnknownHost:
            reason = "there is no such address"
        default: return nil
        }
        self = .cannotListen(host: http.host, port: http.port, reason: reason)
    }

    init(_ error: RedisError) {
        switch error {
        case .authentication(let code): self = .redisRefuses(code)
        default: self = .redisAway("\(error)")
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
        } catch RedisError.configuration(let problem) {
            throw StartError.redisAddress(problem)
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
        try await ledger.prepareMonths()
        try await ledger.reconsiderPlans()
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
