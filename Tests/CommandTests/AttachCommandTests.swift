import DatabaseSupport
import FoundationEssentials
import TestSupport
import Testing
import WorkerSupport

/// `metering-worker migrate` on a database that an application uses.
@Suite(.timed) struct `Attaching by command` {
    @Test func `says what it would do, does it, and switches on what it is asked to`() async throws
    {
        try await TestDatabase.lendEmpty { database in
            try await database.makeTeamTables()
            let plan = try await database.run(["metering-worker", "migrate", "--dry-run"])
            #expect(plan.ending == .exited(0))
            #expect(plan.output.hasPrefix("the application's tables exist: would attach"))
            #expect(plan.output.contains("found   public.patients: rows not counted yet, "))
            #expect(plan.output.contains("row security on\n"))
            #expect(plan.output.contains("would run ALTER TABLE public.file_storage ADD COLUMN"))
            #expect(try await database.psql("SELECT to_regnamespace('metering') IS NULL") == "t\n")

            let done = try await database.run(["metering-worker", "migrate"])
            #expect(done.ending == .exited(0))
            #expect(done.output.hasPrefix("applied V0001_foundation.sql\napplied V0002_attach_"))
            #expect(done.errors.contains("attaching to them"))

            let wide = try await database.run(["metering-worker", "migrate", "--rewrite"])
            #expect(wide.output.contains("api_usage.api_calls is BIGINT now, after "))
            #expect(wide.errors.contains("locked against reading and writing"))

            try await database.psql(
                "CREATE ROLE attach_application LOGIN; GRANT SELECT ON users TO attach_application")
            let asked = try await database.run(["metering-worker", "migrate", "--rls"])
            #expect(asked.ending == .exited(2))
            #expect(asked.errors.contains("add --yes"))
            #expect(
                try await database.psql(
                    "SELECT relrowsecurity FROM pg_class WHERE oid = 'users'::regclass") == "f\n")
            let agreed = try await database.run(["metering-worker", "migrate", "--rls", "--yes"])
            #expect(agreed.ending == .exited(0))
            #expect(agreed.output.contains("attach_application would see no row of users\n"))
            #expect(agreed.output.hasSuffix("row security is on now\n"))
        }
    }

    @Test func `has nothing to widen or to switch on in a new database`() async throws {
        try await TestDatabase.lend { database in
            let run = try await database.run(["metering-worker", "migrate", "--rewrite", "--rls"])
            #expect(run.ending == .exited(0))
            #expect(run.output.contains("api_usage.api_calls is BIGINT already\n"))
            #expect(run.output.hasSuffix("row security is on already, nothing to switch\n"))
        }
    }

    @Test func `tells in one line all that is missing, and changes nothing`() async throws {
        try await TestDatabase.lendEmpty { database in
            try await database.psql("CREATE TABLE patients (id bigint PRIMARY KEY, name text)")
            for dryRun in [[], ["--dry-run"]] {
                let run = try await database.run(["metering-worker", "migrate"] + dryRun)
                #expect(run.ending == .exited(5))
                #expect(run.output.isEmpty)
                #expect(
                    run.errors.contains(
                        "public.patients has no column clinic_id: "
                            + "ALTER TABLE public.patients ADD COLUMN clinic_id uuid"))
            }
            #expect(try await database.psql("SELECT to_regnamespace('metering') IS NULL") == "t\n")
        }
    }
}

extension TestDatabase {
    /// The tables of a team, as its design document has them.
    fileprivate func makeTeamTables() async throws {
        let text = try String(
            contentsOfFile: "\(ProjectRoot.path)/Tests/Fixtures/team-tables.sql", encoding: .utf8)
        for statement in text.split(separator: ";\n")
        where !statement.split(separator: "\n").contains(where: { $0.hasPrefix("-- refused: ") }) {
            try await psql(String(statement))
        }
    }
}
