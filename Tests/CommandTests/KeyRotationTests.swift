import DatabaseSupport
import Foundation
import LocalServers
import TestSupport
import Testing
import WorkerSupport

@Suite(.timed) struct `Rotating a key` {
    @Test func `makes a second one with the same rights, and no third`() async throws {
        try await TestDatabase.lend { database in
            let clinic = "2f1a8b1e-53c9-4d0f-9c52-0d1f6a3b7c11"
            try await database.psql("INSERT INTO clinics VALUES ('\(clinic)', 'Smile', 'smile')")
            let made = try await database.run([
                "metering-worker", "keys", "create", "--name", "gateway", "--scope", "check,marks",
                "--clinic", "smile",
            ])
            #expect(made.ending == .exited(0))
            let call = ["metering-worker", "keys", "rotate", "gateway", "--grace", "1h"]
            let rotated = try await database.run(call)
            #expect(rotated.ending == .exited(0), "\(rotated.errors)")
            #expect(rotated.output.hasPrefix("mk_") && rotated.output != made.output)
            #expect(
                rotated.errors.contains(
                    "key 2 \"gateway\" is shown only once; key 1 stays valid until")
            )
            let rows = try await database.psql(
                """
                SELECT key_id, scopes, clinics, expires_at > now() + interval '59 min',
                    expires_at < now() + interval '61 min' FROM metering.api_key ORDER BY key_id;
                """)
            #expect(
                rows == """
                    1|{check,marks}|{\(clinic)}|t|t
                    2|{check,marks}|{\(clinic)}||

                    """)
            let third = try await database.run(call)
            #expect(third.ending == .exited(5) && third.output.isEmpty)
            #expect(third.errors.contains("keys 1, 2 of this name are good now"), "\(third.errors)")
            _ = try await database.run(["metering-worker", "keys", "revoke", "1", "--yes"])
            #expect(try await database.run(call).ending == .exited(0))
            let unknown = try await database.run(["metering-worker", "keys", "rotate", "nobody"])
            #expect(unknown.ending == .exited(5))
        }
    }

    @Test func `happens once when two do it at the same time`() async throws {
        try await TestDatabase.lend { database in
            _ = try await database.run([
                "metering-worker", "keys", "create", "--name", "gateway", "--scope", "check",
            ])
            async let one = database.run(["metering-worker", "keys", "rotate", "gateway"])
            async let two = database.run(["metering-worker", "keys", "rotate", "gateway"])
            let endings = try await [one.ending, two.ending]
            #expect(endings.count { $0 == .exited(0) } == 1)
            #expect(try await database.psql("SELECT count(*) FROM metering.api_key") == "2\n")
        }
    }
}
