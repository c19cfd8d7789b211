import DatabaseSupport
import FoundationEssentials
import LocalServers
import Metering
import Postgres
import TestSupport
import Testing

/// The Python of docs/limits.md, run as it stands against a real database.
@Suite(.timed) struct `The example for applications` {
    @Test func `does what the page says`() async throws {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: 2, patients: 2, storage: nil)
            let example = try Self.example()
            #expect(example.contains("def within_plan") && example.contains("def accept"))
            let url = database.server.url(
                user: Login.app, password: Login.password, database: database.name)
            let run = try await RunningProcess.run(
                "/usr/bin/python3", ["-c", example + Self.use],
                environment: ["EXAMPLE_URL": url, "EXAMPLE_CLINIC": "\(ClinicID.numbered(1))"])
            #expect(run.ending == .exited(0), "\(run.errors)")
            #expect(
                run.output == """
                    None
                    None
                    Your plan includes 2 patients, 2 are in use. Remove some, or choose a larger plan.
                    None
                    None
                    None
                    Your plan includes 2 users, 2 are in use. Remove some, or choose a larger plan.
                    None
                    None
                    Your plan includes 2 users, 2 are in use. Remove some, or choose a larger plan.

                    """)
            #expect(try await database.counters() == ["1: 2 2 0"])
            try await database.expectNoDrift()
        }
    }

    /// All Python blocks of the page.
    private static func example() throws -> String {
        let page = try String(
            contentsOfFile: "\(ProjectRoot.path)/docs/limits.md", encoding: .utf8)
        return page.split(separator: "```python\n", omittingEmptySubsequences: false).dropFirst()
            .compactMap { $0.split(separator: "```").first.map(String.init) }
            .joined(separator: "\n")
    }

    private static let use = """

        import os
        connection = psycopg2.connect(os.environ["EXAMPLE_URL"])
        clinic = os.environ["EXAMPLE_CLINIC"]
        for name in ["Anna", "Berta", "Clara"]:
            print(add_patient(connection, clinic, name))
        for invitation in ["17", "17", "18", "19"]:
            print(invite(connection, clinic, invitation))
        print(withdraw(connection, clinic, "18"))
        print(accept(connection, clinic, "17", "anna@example.org"))
        accept(connection, clinic, "18", "berta@example.org")
        print(accept(connection, clinic, "19", "clara@example.org"))
        """
}
