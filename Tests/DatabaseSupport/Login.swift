package import LocalServers
package import TestSupport

/// The logins of the tests, one for each role. Roles belong to a server, not to a database.
package enum Login {
    package static let worker = "test_worker"
    package static let admin = "test_admin"
    package static let app = "test_app"
    package static let owner = "test_owner"
    /// Holds what an address must encode. No program may print its first word.
    package static let password = "kanarienvogel 4%/@"

    /// On the server that all tests share.
    package static let made = MadeOnce<Void> {
        try await make(on: TestServers.shared().postgres)
    }

    package static func make(on server: LocalPostgres) async throws {
        let statements = [worker, admin, app, owner].map {
            "CREATE ROLE \($0) LOGIN PASSWORD '\(password)';"
        }
        try await run(statements, on: server)
    }

    /// Gives each login its role, which a migration has made.
    package static func grantRoles(on server: LocalPostgres) async throws {
        let statements = [
            "GRANT metering_worker TO \(worker);", "GRANT billing_admin TO \(admin);",
            "GRANT clinic_app TO \(app);", "GRANT metering_owner TO \(owner);",
        ]
        try await run(statements, on: server)
    }

    private static func run(_ statements: [String], on server: LocalPostgres) async throws {
        _ = try await server.client(
            "psql", ["-Xq", "-v", "ON_ERROR_STOP=1"], input: statements.joined(separator: "\n"))
    }
}
