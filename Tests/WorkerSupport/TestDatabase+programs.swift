package import DatabaseSupport
import LocalServers
import TestSupport

extension TestDatabase {
    /// Runs a program with the login that its kind has. It must not print a password.
    package func run(
        _ call: [String], _ settings: [String: String] = [:]
    ) async throws -> Program.Run {
        var all = [
            "DATABASE_URL": url(of: call[0] == "billing" ? Login.admin : Login.worker),
            "DATABASE_OWNER_URL": server.superuserURL(database: name),
        ]
        all.merge(settings) { $1 }
        let run = try await Program.run(call, all)
        if (run.output + run.errors).contains("kanarienvogel") {
            throw TestFailure("\(call) printed a password")
        }
        return run
    }
}
