import Shell
import Redis
import Values

/// Why a worker does not start, each with the setting to look at and its remedy.
enum StartError: Error, CustomStringConvertible {
    case databaseAddress(String)
    case listenAddress(String)
    case databaseUnavailable(String, setting: String)
    case databaseRefuses(String, setting: String)
    case databaseRights(String, setting: String)
    case databaseUntrusted(String, setting: String)
    case redisAddress(String)
    case redisFile(String, setting: String)
    case redisUntrusted(RedisTLSProblem)
    case redisRefuses(String)
    case redisTooOld(String)
    case redisEvicts(String)
    case redisIsReplica
    case redisUnavailable(String)
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
            "DATABASE_LISTEN_URL cannot be used: \(problem); write it as "
                + "postgresql://user@host/database"
        case .databaseUnavailable(let reason, let setting):
            "\(setting): \(reason); check that PostgreSQL runs and that the URL is right"
        case .databaseRefuses(let reason, let setting):
            "\(setting): \(reason); check the user and the password in the URL, or in ~/.pgpass"
        case .databaseRights(let reason, let setting):
            "\(setting): \(reason); its login needs the role metering_worker: GRANT "
                + "metering_worker TO it"
        case .databaseUntrusted(let reason, let setting):
            "\(setting): \(reason); name the CA of the server's certificate in sslrootcert, and "
                + "write the host as that certificate does (docs/transport.md)"
        case .redisAddress(let problem):
            "REDIS_URL cannot be used: \(problem); write it as redis://host:6379, "
                + "rediss://host:6379 (TLS) or unix:///path"
        case .redisFile(let problem, let setting):
            "\(setting): the file \(Console.oneLine(problem)); name a PEM file that this user "
                + "may read"
        case .redisUntrusted(let problem):
            "REDIS_URL: no encrypted connection: \(problem); \(problem.advice)"
        case .redisRefuses(let code):
            "REDIS_URL: Redis refused the user or the password (\(code)); give those that Redis "
                + "knows as redis://user:password@host, without a user as redis://:password@host"
        case .redisTooOld(let version):
            "REDIS_URL leads to Redis \(version); 7.0 or later is needed, because the worker "
                + "counts with functions: upgrade Redis, or name another server"
        case .redisEvicts(let policy):
            "the Redis of REDIS_URL has maxmemory-policy \(policy), which evicts counters when "
                + "memory is full: set it to noeviction (CONFIG SET maxmemory-policy noeviction)"
        case .redisIsReplica:
            "REDIS_URL leads to a replica, which cannot count: name the primary"
        case .redisUnavailable(let reason):
            "REDIS_URL: Redis does not answer: \(reason); check that it runs and that the URL is "
                + "right"
        case .journalDirectory(let path, let reason):
            "METERING_JOURNAL_DIRECTORY \(TerminalText.quoted(path)) cannot be used: \(reason); "
                + "name a directory on a local disk that this login may write to, or none"
        case .openFiles(let most, let needed):
            "METERING_CONNECTIONS_MAX: this process may open \(most) files, and the worker needs "
                + "at least as many itself: allow \(needed) (LimitNOFILE of systemd, ulimit -n of "
                + "a shell)"
        case .cannotListen(let host, let port, let reason):
            "cannot listen on HTTP_PORT \(port) of HTTP_HOST \(TerminalText.quoted(host)): "
                + "\(reason); name a port that is free, 0 for any, or an address of this machine"
        case .cannotListenAdmin(let host, let port, let reason):
            "cannot listen on HTTP_ADMIN_PORT \(port) of HTTP_ADMIN_HOST "
                + "\(TerminalText.quoted(host)): \(reason); name a port that is free, 0 for any, "
                + "or switch metrics off with HTTP_ADMIN=false"
        case .adminPlaintext(let host):
            "HTTP_ADMIN_HOST \(TerminalText.quoted(host)) can be reached from other machines, and "
                + "metrics are not encrypted and need no key: use 127.0.0.1, or set "
                + "HTTP_ALLOW_PLAINTEXT=true where only Prometheus can connect"
        case .plaintext(let host):
            "HTTP_HOST \(TerminalText.quoted(host)) can be reached from other machines, and API "
                + "keys would cross the network in the clear: set HTTP_TLS_CERT and HTTP_TLS_KEY, "
                + "or HTTP_ALLOW_PLAINTEXT=1 where a proxy before this worker speaks TLS"
        case .tlsHalf(let given, let missing):
            "\(given.environmentName) is set and \(missing.environmentName) is not; set both, "
                + "or neither for plain HTTP"
        case .tlsFile(let path, let setting):
            "\(setting.environmentName): \(TerminalText.quoted(path)) cannot be used; name a PEM "
                + "file that this user may read, and a certificate and a key without passphrase "
                + "that belong together"
        }
    }
}
