import Shell
import Ledger
import NIOCore
import Postgres
import Redis
import SystemPackage

extension StartError {
    /// nil for an error that explains itself.
    init?(database error: any Error, setting: String = "DATABASE_URL") {
        let cause: PostgresError
        switch error {
        case LedgerError.store(.server(let refusal)) where refusal.sqlState.code == "42501":
            self = .databaseRights("\(error)", setting: setting)
            return
        case LedgerError.store(let error): cause = error
        case MigrationError.store(let error): cause = error
        default: return nil
        }
        switch cause {
        case .connect, .deadline, .connectionLost:
            self = .databaseUnavailable("\(cause)", setting: setting)
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

    /// A fault that is known before anything connects.
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
        default: self = .redisUnavailable("\(error)")
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
    /// The remedy, for an operator.
    var advice: String {
        switch self {
        case .notTrusted:
            "name the CA of that certificate in REDIS_TLS_CA, and check its dates"
        case .wrongHost: "write the host in REDIS_URL as it is in the certificate"
        case .clientCertificateRefused:
            "name a certificate that this Redis trusts in REDIS_TLS_CERT, and its key in "
                + "REDIS_TLS_KEY"
        case .notTLS: "name the TLS port of Redis in REDIS_URL"
        case .hungUp, .noAnswer:
            "name the TLS port of Redis in REDIS_URL and, if it asks for a certificate, "
                + "REDIS_TLS_CERT and REDIS_TLS_KEY"
        case .handshake: "see the log of Redis; TLS 1.2 or later is needed"
        }
    }
}
