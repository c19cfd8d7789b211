package import Ledger
package import LocalServers
import Logging
package import Postgres
import Synchronization
import TestSupport

/// A database of one test's own, empty or migrated, with the logins of `Login`.
package struct TestDatabase: Sendable {
    package let name: String
    package let server: LocalPostgres
    /// Connects as the superuser, for what a test prepares and looks at.
    package let owner: PostgresPool
    /// Connects as the worker's login.
    package let worker: PostgresPool
    package let ledger: Ledger

    /// Lends a migrated database and drops it.
    package static func lend<Value>(
        _ body: (TestDatabase) async throws -> Value
    ) async throws -> Value {
        try await withResource({ try await copied() }, release: { try await $0.drop() }, body)
    }

    /// Lends an empty database and drops it. The logins exist.
    package static func lendEmpty<Value>(
        _ body: (TestDatabase) async throws -> Value
    ) async throws -> Value {
        try await withResource({ try await empty() }, release: { try await $0.drop() }, body)
    }

    /// Lends a migrated database on a server of its own, which the test may freeze or stop.
    package static func lendAlone<Value>(
        _ options: PostgresOptions = PostgresOptions(),
        _ body: (TestDatabase) async throws -> Value
    ) async throws -> Value {
        try await LocalPostgres.lend(options) { server in
            try await withResource(
                { try await migrated(on: server) }, release: { await $0.close() }, body)
        }
    }

    /// An empty database that stays until the server ends, with the process.
    package static func empty() async throws -> TestDatabase {
        try await Login.made.value
        let server = try await TestServers.shared().postgres
        let name = freshName()
        try await server.createDatabase(name)
        return try TestDatabase(name, on: server)
    }

    /// A copy of the database that each process migrates once.
    private static func copied() async throws -> TestDatabase {
        let server = try await TestServers.shared().postgres
        let template = try await MigratedTemplate.name
        let name = freshName()
        try await server.createDatabase(name, template: template)
        return try TestDatabase(name, on: server)
    }

    /// A database on a server that no other test uses.
    private static func migrated(on server: LocalPostgres) async throws -> TestDatabase {
        try await MonthEnd.pass()
        let name = freshName()
        try await MigratedTemplate.make(name, on: server)
        return try TestDatabase(name, on: server)
    }

    private init(_ name: String, on server: LocalPostgres) throws {
        self.name = name
        self.server = server
        owner = try Self.pool(server.superuserURL(database: name))
        worker = try Self.pool(
            server.url(user: Login.worker, password: Login.password, database: name))
        ledger = Ledger(pool: worker)
    }

    private func close() async {
        await owner.close()
        await worker.close()
    }

    private func drop() async throws {
        await close()
        try await server.dropDatabase(name)
    }

    private static let count = Atomic<Int>(0)

    private static func freshName() -> String {
        "test_database_\(count.add(1, ordering: .relaxed).newValue)"
    }
}

// MARK: Connections

extension TestDatabase {
    /// The address for a login, on the server's Unix socket.
    package func url(
        of login: String = Login.worker, password: String = Login.password
    ) -> String {
        server.url(user: login, password: password, database: name)
    }

    /// The address for the worker's login over TCP with TLS, checked in full.
    package func tlsURL(trusting authority: String, host: String = "localhost") throws -> String {
        guard
            let url = server.tcpURL(user: Login.worker, password: Login.password, database: name)
        else { throw TestFailure("the server of \(name) does not listen on TCP") }
        return url.replacing("@127.0.0.1:", with: "@\(host):")
            + "?sslmode=verify-full&sslrootcert=\(authority)"
    }

    /// A pool of another login.
    package func pool(of login: String) throws -> PostgresPool {
        try Self.pool(url(of: login))
    }

    /// A pool of the superuser, changed by `change` before it starts.
    package func pool(
        _ change: (inout PostgresConfiguration) -> Void = { _ in }
    ) throws -> PostgresPool {
        try Self.pool(server.superuserURL(database: name), change)
    }

    /// A pool whose deadlines are long: a busy machine is no fault.
    package static func pool(_ url: String, size: Int = 8) throws -> PostgresPool {
        try pool(url) { $0.poolSize = size }
    }

    private static func pool(
        _ url: String, _ change: (inout PostgresConfiguration) -> Void
    ) throws -> PostgresPool {
        var configuration = try PostgresConfiguration(url)
        configuration.callTimeout = .seconds(60)
        configuration.waitTimeout = .seconds(60)
        configuration.connectTimeout = .seconds(60)
        change(&configuration)
        return PostgresPool(configuration: configuration, logger: .silent)
    }
}
