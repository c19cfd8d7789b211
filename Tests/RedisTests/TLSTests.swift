import Glibc
import LocalServers
import TestSupport
import Testing

@testable import Redis

@Suite(.timed, .timeLimit(.minutes(5))) struct `TLS to Redis` {
    private let increment = RedisCommand("INCR", ["count"])

    // MARK: What works

    @Test(arguments: ["TLSv1.2", "TLSv1.3"])
    func `carries what a plain connection does, also after a restart`(version: String) async throws
    {
        try await withTLSRedis(
            settings: ["tls-protocols": version, "appendfsync": "always"]
        ) { redis, certificates in
            let url = try #require(redis.tlsURL)
            let tls = try RedisTLS(.init(authorities: certificates.authority))
            try await withClient(
                url,
                {
                    $0.tls = tls
                    $0.connections = 2
                }
            ) { client in
                let counted = try await withThrowingTaskGroup(of: [RedisReply].self) { group in
                    for _ in 0..<32 {
                        group.addTask {
                            try await client.send(
                                pipeline: Array(repeating: increment, count: 100))
                        }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
                #expect(Set(counted) == Set((1...3_200).map { RedisReply.integer($0) }))

                // Far more than one record of TLS.
                let long = String(repeating: "0123456789abcdef", count: 20_000)
                _ = try await client.send(RedisCommand("SET", ["long", .string(long)]))
                #expect(try await client.send(RedisCommand("GET", ["long"])).text == long)

                let library =
                    "#!lua name=echo\nredis.register_function('echo', function(_, a) return a[1] end)"
                _ = try await client.send(RedisCommand("FUNCTION", ["LOAD", .string(library)]))
                let call = RedisCommand("FCALL", ["echo", "0", "back"])
                #expect(try await client.send(call).text == "back")

                try await redis.restart()
                try await waitUntil("both are connected again") {
                    client.health.connected == 2 && client.health.connects >= 4
                }
                #expect(try await client.send(increment) == .integer(3_201))
                #expect(try await client.send(call).text == "back")
            }
        }
    }

    // MARK: Whom we believe

    /// What becomes of a ping to `host`, whose Redis shows the certificate `name`.
    private func answer(
        _ name: LocalCertificates.Name, host: String,
        trusting authority: KeyPath<LocalCertificates, String>?
    ) async throws -> RedisError? {
        try await withTLSRedis(name) { redis, certificates in
            let port = try #require(redis.port)
            let files = RedisTLS.Files(authorities: authority.map { certificates[keyPath: $0] })
            return try await ping("rediss://:kanarienvogel@\(host):\(port)", files)
        }
    }

    /// A host is a name that the certificate holds as a name, or an address that it holds as an address.
    @Test(arguments: ["localhost", "LOCALHOST", "127.0.0.1"])
    func `believes a server that proves its host`(host: String) async throws {
        // It has no password, so the one we give is refused: by the server itself, over TLS.
        #expect(
            try await answer(.localhost, host: host, trusting: \.authority)
                == .authentication(code: "ERR"))
    }

    @Test(arguments: ["localhost", "127.0.0.1"])
    func `refuses a wrong CA, a wrong host and a certificate whose time is over`(
        host: String
    ) async throws {
        let table:
            [(LocalCertificates.Name, KeyPath<LocalCertificates, String>?, RedisTLSProblem)] = [
                (.localhost, \.otherAuthority, .notTrusted), (.localhost, nil, .notTrusted),
                (.expired, \.authority, .notTrusted), (.elsewhere, \.authority, .wrongHost),
            ]
        for (name, authority, problem) in table {
            let error = try await answer(name, host: host, trusting: authority)
            #expect(error == .tls(problem), "\(name)")
            #expect(error?.remedy == .fixConfiguration)
            #expect(error?.mayHaveRun == false)
        }
    }

    // MARK: Who we are

    @Test(arguments: ["TLSv1.2", "TLSv1.3"])
    func `shows a certificate to a server that wants one`(version: String) async throws {
        try await withTLSRedis(
            demandsCertificate: true, settings: ["tls-protocols": version]
        ) { redis, certificates in
            let url = try #require(redis.tlsURL)
            func ping(_ name: LocalCertificates.Name?) async throws -> RedisError? {
                try await self.ping(
                    url,
                    RedisTLS.Files(
                        authorities: certificates.authority,
                        certificate: name.map(certificates.certificate),
                        key: name.map(certificates.key)))
            }
            #expect(try await ping(.client) == nil)
            for name in [nil, LocalCertificates.Name.expired] {
                let error = try await ping(name)
                switch error {
                // A server that hangs up with bytes of ours unread takes its own last word back.
                case .tls(.clientCertificateRefused), .tls(.hungUp): break
                // TLS 1.2 has no word of its own for a certificate that is missing.
                case .tls(.handshake("SSLV3_ALERT_HANDSHAKE_FAILURE"))
                where version == "TLSv1.2" && name == nil:
                    break
                default: Issue.record("\(String(describing: error))")
                }
            }
        }
    }

    // MARK: Something else on the port

    @Test func `ends in time when the server speaks no TLS, or hangs`() async throws {
        try await withRedis(RedisOptions(listensOnTCP: true, appendOnly: false)) { redis in
            let port = try #require(redis.port)
            let error = try await ping("rediss://localhost:\(port)", connect: .milliseconds(300))
            switch error {
            // A greeting of TLS is random bytes to Redis: it waits for the end of a line.
            case .tls(.noAnswer(.milliseconds(300))): #expect(error?.remedy == .retry)
            case .tls(.notTLS): #expect(error?.remedy == .fixConfiguration)
            // On a busy machine the time may be over before the first byte.
            case .connectTimeout: break
            default: Issue.record("\(String(describing: error))")
            }
        }
        try await withTLSRedis { redis, certificates in
            let url = try #require(redis.tlsURL)
            redis.send(SIGSTOP)
            let error = try await ping(
                url, RedisTLS.Files(authorities: certificates.authority),
                connect: .milliseconds(300))
            redis.send(SIGCONT)
            #expect(error == .tls(.noAnswer(after: .milliseconds(300))))
        }
    }

    @Test func `is asked for by name when the port speaks nothing else`() async throws {
        try await withTLSRedis { redis, _ in
            let error = try await ping(try #require(redis.tcpURL))
            guard case .notConnected(let reason)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason.contains("rediss://"))
        }
    }

    // MARK: Files

    @Test func `a file that cannot be used is named, and nothing of it is shown`() async throws {
        try await LocalCertificates.lend { certificates in
            let (certificate, key) = (certificates.certificate(.client), certificates.key(.client))
            let other = certificates.key(.localhost)
            let table: [(RedisTLS.Files, RedisTLS.File, String)] = [
                (.init(authorities: "/none/ca.pem"), .authorities, "/none/ca.pem: No such file"),
                (.init(authorities: "/"), .authorities, "is not a file"),
                (.init(authorities: "/dev/null"), .authorities, "is not a file"),
                (.init(authorities: key), .authorities, "holds no certificate"),
                (.init(certificate: certificate), .key, "is not set"),
                (.init(key: key), .certificate, "is not set"),
                (.init(certificate: key, key: key), .certificate, "holds no certificate"),
                (.init(certificate: certificate, key: certificate), .key, "holds no key"),
                (.init(certificate: certificate, key: other), .key, "does not belong"),
            ]
            for (files, file, text) in table {
                let error = await failure { () throws(RedisError) in try RedisTLS(files) }
                guard case .tlsFile(file, let problem)? = error else {
                    Issue.record("\(files): \(String(describing: error))")
                    continue
                }
                #expect(problem.contains(text), "\(problem)")
                #expect(!problem.contains("BEGIN") && !problem.contains("\n"))
            }
            for url in ["redis://db", "unix:///run/redis.sock"] {
                let files = RedisTLS.Files(authorities: certificates.authority)
                #expect(throws: RedisError.self) { try RedisConfiguration(url, tls: files) }
            }
        }
    }

    // MARK: Helpers

    private func ping(
        _ url: String, _ files: RedisTLS.Files = .init(), connect: Duration = .seconds(10)
    ) async throws -> RedisError? {
        let tls = url.hasPrefix("rediss") ? try RedisTLS(files) : nil
        let change: (inout RedisConfiguration) -> Void = {
            $0.tls = tls
            $0.connectTimeout = connect
            $0.connections = 1
        }
        return try await withClient(url, change) { client in
            let error = await failure { () throws(RedisError) in
                try await client.ping(timeout: .seconds(3600))
            }
            #expect(error?.description.contains("kanarienvogel") != true)
            #expect(error?.description.contains("\n") != true)
            return error
        }
    }

    private func withTLSRedis<Result>(
        _ name: LocalCertificates.Name = .localhost, demandsCertificate: Bool = false,
        settings: [String: String] = [:],
        _ story: (LocalRedis, LocalCertificates) async throws -> Result
    ) async throws -> Result {
        try await LocalCertificates.lend { certificates in
            let options = RedisOptions(
                listensOnTCP: true, settings: settings,
                tls: certificates.server(name, demandsCertificate: demandsCertificate))
            return try await LocalRedis.lend(options) { try await story($0, certificates) }
        }
    }
}
