import DatabaseSupport
import Foundation
import LocalServers
import Logging
import Postgres
import TestSupport
import Testing

@Suite(.timed, .timeLimit(.minutes(5))) struct `TLS to PostgreSQL` {
    /// `body` gets a pool that checks the certificate of the server and its host, and the superuser's eyes.
    private func withServer(
        _ name: LocalCertificates.Name,
        _ body: (LocalPostgres, LocalCertificates) async throws -> Void
    ) async throws {
        try await LocalCertificates.lend { certificates in
            let options = PostgresOptions(listensOnTCP: true, tls: certificates.server(name))
            try await LocalPostgres.lend(options) { server in
                _ = try await server.client(
                    "psql", ["-c", "CREATE ROLE walker LOGIN PASSWORD 'kanarienvogel'"])
                try await body(server, certificates)
            }
        }
    }

    private func pool(
        _ server: LocalPostgres, trusting authority: String, host: String = "localhost"
    ) throws -> PostgresPool {
        let plain = try #require(
            server.tcpURL(user: "walker", password: "kanarienvogel", database: "postgres"))
        let url =
            plain.replacing("127.0.0.1", with: host)
            + "?sslmode=verify-full&sslrootcert=\(authority)"
        var configuration = try PostgresConfiguration(url)
        configuration.callTimeout = .seconds(60)
        configuration.waitTimeout = .seconds(60)
        configuration.connectTimeout = .seconds(60)
        return PostgresPool(configuration: configuration, logger: Logger(label: "test"))
    }

    @Test(arguments: ["localhost", "127.0.0.1"])
    func `works with a certificate for the host`(host: String) async throws {
        try await withServer(.localhost) { server, certificates in
            let pool = try pool(server, trusting: certificates.authority, host: host)
            let rows = try await pool.query(
                sql("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
            #expect(try rows.first?.bool(0) == true)
            await pool.close()
        }
    }

    @Test func `is refused with a wrong CA, none, a wrong host and a time that is over`()
        async throws
    {
        let table: [(LocalCertificates.Name, KeyPath<LocalCertificates, String>?, String)] = [
            (.localhost, \.otherAuthority, "certificate verify failed"),
            (.localhost, nil, "does not exist"),
            (.expired, \.authority, "certificate verify failed"),
            (.elsewhere, \.authority, "does not match host name \"localhost\""),
        ]
        for (name, authority, reason) in table {
            try await withServer(name) { server, certificates in
                let file = authority.map { certificates[keyPath: $0] } ?? "/none/ca.pem"
                let pool = try pool(server, trusting: file)
                let error = try await failure { _ = try await pool.query(sql("SELECT 1")) }
                guard case .untrusted = error else {
                    Issue.record("\(error)")
                    return
                }
                #expect("\(error)".contains(reason), "\(error)")
                #expect(!"\(error)".contains("kanarienvogel"))
                #expect(error.remedy == .fixSettings)
                await pool.close()
            }
        }
    }

    @Test func `is refused where the server has none`() async throws {
        let database = try await TestDatabase.empty()
        let url = try #require(
            database.server.tcpURL(user: "walker", password: "x", database: database.name))
        let configuration = try PostgresConfiguration(
            url + "?sslmode=verify-full&sslrootcert=/etc/hosts")
        let pool = PostgresPool(configuration: configuration, logger: Logger(label: "test"))
        let error = try await failure { _ = try await pool.query(sql("SELECT 1")) }
        guard case .untrusted = error else {
            Issue.record("\(error)")
            return
        }
        await pool.close()
    }

    /// libpq would send the key of the session in the clear to cancel it.
    @Test func `a statement whose caller has left ends without a request to cancel`() async throws {
        try await withServer(.localhost) { server, certificates in
            let pool = try pool(server, trusting: certificates.authority)
            let statement = sql("SELECT pg_sleep(600)")
            let error = try await failure {
                _ = try await pool.query(statement, timeout: .milliseconds(300))
            }
            #expect(error == .deadline(after: .milliseconds(300)))
            try await waitUntil("the server has noticed") {
                try await server.client(
                    "psql",
                    [
                        "-XAtc",
                        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'walker' AND state = 'active'",
                    ]) == "0\n"
            }
            let log = try String(
                contentsOfFile: "\(server.dataDirectory)/../postgres.log", encoding: .utf8)
            #expect(log.contains("connection to client lost"))
            #expect(!log.contains("due to user request"))
            await pool.close()
        }
    }
}
