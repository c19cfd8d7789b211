import Ledger
import LocalServers
import Postgres
import TestSupport

/// The migrated database that others are copied from: each process migrates it once.
package enum MigratedTemplate {
    package static var name: String { get async throws { try await made.value } }

    private static let made = MadeOnce {
        try await Login.made.value
        let name = "migrated_template"
        try await migrate(name, on: TestServers.shared().postgres)
        return name
    }

    /// A migrated database on a server that has no logins yet.
    static func make(_ name: String, on server: LocalPostgres) async throws {
        try await Login.make(on: server)
        try await migrate(name, on: server)
    }

    private static func migrate(_ name: String, on server: LocalPostgres) async throws {
        try await server.createDatabase(name)
        let url = server.superuserURL(database: name)
        // Closed, because a database is copied only while it has no session.
        try await withResource({ try TestDatabase.pool(url) }, release: { await $0.close() }) {
            _ = try await Migrator(pool: $0).apply()
        }
        try await Login.grantRoles(on: server)
    }
}
