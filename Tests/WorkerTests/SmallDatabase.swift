import LocalServers
import Synchronization
import TestSupport

/// A database that `metering-worker migrate` made, with logins for both programs.
struct SmallDatabase: Sendable {
    let name: String
    let server: LocalPostgres
    let servers: LocalServers

    static let worker = "command_worker"
    static let admin = "command_admin"
    static let password = "kanarienvogel 4%/@"
    private static let count = Atomic<Int>(0)

    /// Lends an empty database to `body` and drops it.
    /// - Parameter own: A server of the test's own; nil for the one that all share.
    static func lendEmpty(
        on own: LocalPostgres? = nil, _ body: (SmallDatabase) async throws -> Void
    ) async throws {
        let servers = try await TestServers.shared()
        let server = own ?? servers.postgres
        let name = "command_line_\(count.add(1, ordering: .relaxed).newValue)"
        try await server.createDatabase(name)
        let database = SmallDatabase(name: name, server: server, servers: servers)
        do {
            try await database.makeLogins()
            try await body(database)
        } catch {
            try await server.dropDatabase(name)
            throw error
        }
        try await server.dropDatabase(name)
    }

    /// Lends a migrated database.
    static func lend(
        on own: LocalPostgres? = nil, _ body: (SmallDatabase) async throws -> Void
    ) async throws {
        try await lendEmpty(on: own) { database in
            let run = try await database.run(["metering-worker", "migrate"])
            guard run.ending == .exited(0) else {
                throw CommandFailure(description: "migrate failed: \(run.errors)")
            }
            try await database.psql(
                "GRANT metering_worker TO \(worker); GRANT billing_admin TO \(admin);")
            try await body(database)
        }
    }

    private func makeLogins() async throws {
        for login in [Self.worker, Self.admin] {
            try await psql(
                """
                DO $$ BEGIN CREATE ROLE \(login) LOGIN PASSWORD '\(Self.password)';
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
                """)
        }
    }

    /// Runs a program with the login that its kind has.
    func run(
        _ call: [String], _ settings: [String: String] = [:]
    ) async throws -> (ending: RunningProcess.Ending, output: String, errors: String) {
        let login = call[0] == "billing" ? Self.admin : Self.worker
        var all = [
            "DATABASE_URL": url(of: login),
            "DATABASE_OWNER_URL": server.superuserURL(database: name),
        ]
        all.merge(settings) { $1 }
        let run = try await Program.run(call, all)
        if (run.output + run.errors).contains("kanarienvogel") {
            throw CommandFailure(description: "\(call) printed a password")
        }
        return run
    }

    func url(of login: String = worker, password: String = password) -> String {
        server.url(user: login, password: password, database: name)
    }

    /// The same over TCP with TLS, checked in full.
    func tlsURL(trusting authority: String, host: String = "localhost") throws -> String {
        guard
            let url = server.tcpURL(user: Self.worker, password: Self.password, database: name)
        else { throw CommandFailure(description: "the server does not listen on TCP") }
        return url.replacing("@127.0.0.1:", with: "@\(host):")
            + "?sslmode=verify-full&sslrootcert=\(authority)"
    }

    @discardableResult
    func psql(_ text: String) async throws -> String {
        try await server.client(
            "psql", ["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1"], database: name, input: text)
    }
}

/// A run that makes the rest of a test meaningless.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String
}
