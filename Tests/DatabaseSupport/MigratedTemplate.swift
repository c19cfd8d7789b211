import Glibc
import Ledger
import LocalServers
import Postgres
import Synchronization
import TestSupport

/// The migrated database that others are copied from: each process migrates it once a month.
///
/// `migrate` makes partitions for the months ahead, so in a copy of last month's database it would
/// still find something to do.
package enum MigratedTemplate {
    package static var name: String {
        get async throws {
            let month = MonthEnd.month(of: time(nil))
            let made = made.withLock { made in
                let template = made[month] ?? template(of: month)
                made[month] = template
                return template
            }
            return try await made.value
        }
    }

    private static let made = Mutex<[Int32: MadeOnce<String>]>([:])

    private static func template(of month: Int32) -> MadeOnce<String> {
        MadeOnce {
            try await Login.made.value
            let name = "migrated_template_\(month)"
            try await migrate(name, on: TestServers.shared().postgres)
            return name
        }
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
