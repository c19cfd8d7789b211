import DatabaseSupport
import LocalServers
import TestSupport
import Testing
import WorkerSupport

/// What asks before it acts, answered on a terminal, by an option, and by nobody.
@Suite(.timed) struct `Agreement` {
    /// Runs a program on a terminal of its own and types one line at its question.
    private static let terminal = """
        import os, pty, sys
        answer, call = sys.argv[1], sys.argv[2:]
        child, terminal = pty.fork()
        if child == 0:
            os.execv(call[0], call)
        seen, asked = b"", False
        while True:
            try:
                more = os.read(terminal, 4096)
            except OSError:
                break
            if not more:
                break
            seen += more
            if not asked and b"[y/N]" in seen:
                os.write(terminal, answer.encode() + b"\\n")
                asked = True
        print(seen.decode().replace("\\r\\n", "\\n"), end="")
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """

    private func typed(
        _ answer: String, to call: [String], in database: TestDatabase
    ) async throws -> (ending: RunningProcess.Ending, output: String, errors: String) {
        try await RunningProcess.run(
            "python3",
            ["-c", Self.terminal, answer, try Product.path(call[0])] + call.dropFirst(),
            environment: [
                "DATABASE_URL": database.url(
                    of: call[0] == "billing" ? Login.admin : Login.worker)
            ])
    }

    @Test(arguments: [("yes", true), ("y", true), ("", false), ("no", false), ("ye", false)])
    func `is asked for on a terminal, and only y and yes are one`(
        answer: String, isYes: Bool
    ) async throws {
        try await TestDatabase.lend { database in
            try await database.psql("UPDATE metering.limit_mode SET enforced = false")
            let run = try await typed(answer, to: ["billing", "limits", "enforce"], in: database)
            #expect(run.ending == .exited(isYes ? 0 : 1), "\(run.output)\(run.errors)")
            #expect(run.output.contains("no clinic is over its plan\n"))
            #expect(run.output.contains("[y/N]"))
            #expect(run.output.contains(isYes ? "limits are now enforced" : "nothing was changed"))
            #expect(
                try await database.psql("SELECT enforced FROM metering.limit_mode")
                    == (isYes ? "t\n" : "f\n"))
        }
    }

    @Test func `of a key's end says first that it has no way back`() async throws {
        try await TestDatabase.lend { database in
            _ = try await database.run([
                "metering-worker", "keys", "create", "--name", "gate", "--scope", "check",
                "--scope", "usage,marks",
            ])
            let call = ["metering-worker", "keys", "revoke", "1"]
            let valid = "SELECT revoked_at IS NULL FROM metering.api_key"
            let dry = try await database.run(call + ["--dry-run", "--exit-code"])
            #expect(dry.ending == .exited(7))
            let rights = "check,marks,usage for every clinic, last used never"
            #expect(dry.output == "would revoke key 1 \"gate\": valid, \(rights)\n")
            let asked = try await database.run(call)
            #expect(asked.ending == .exited(2) && asked.output.isEmpty)
            #expect(asked.errors.contains("cannot be brought back"))
            #expect(asked.errors.contains("add --yes"))
            #expect(try await database.psql(valid) == "t\n")
            let typed = try await typed("yes", to: call, in: database)
            #expect(typed.ending == .exited(0), "\(typed.output)")
            #expect(try await database.psql(valid) == "f\n")
            let again = try await database.run(call)
            #expect(again.ending == .exited(0))
            #expect(again.output == "key 1 \"gate\" was revoked already\n")
        }
    }

    @Test func `is shown the steps of a migration once, on one terminal`() async throws {
        try await TestDatabase.lendEmpty { database in
            let run = try await RunningProcess.run(
                "python3",
                ["-c", Self.terminal, "", try Product.path("metering-worker"), "migrate"],
                environment: [
                    "DATABASE_OWNER_URL": database.server.superuserURL(database: database.name)
                ])
            #expect(run.ending == .exited(0), "\(run.output)")
            let lines = run.output.split(separator: "\n")
            #expect(lines.count { $0.contains("V0007_usage.sql") } == 1)
            #expect(lines.contains { $0.contains("GRANT billing_viewer TO") })
        }
    }
}
