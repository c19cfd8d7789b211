import Foundation
import TestSupport
import Testing

/// What the releases made final of the schema, and what it is now: lines of `scripts/release-schema`.
struct ReleasedSchema {
    let released: [String]
    let current: [String]

    init(released: String, current: String) {
        self.released = released.split(separator: "\n").map(String.init)
        self.current = current.split(separator: "\n").map(String.init)
    }

    /// Names of released migrations that differ now, signatures that are gone without a new migration
    /// that drops them, and functions or triggers that changed without a new migration, by whose number
    /// programs and databases tell each other apart.
    var problems: [String] {
        let gone = released.filter { !current.contains($0) }
        let isNewer = newest(current) > newest(released)
        return gone.filter { line in
            if line.contains("  Migrations/") { return true }
            return line.hasPrefix(Self.signature) ? !isDropped(line) : !isNewer
        }
    }

    private static let signature = "signature  "

    /// A name that is dropped may not come back with another signature: workers of the version before
    /// would call it.
    private func isDropped(_ line: String) -> Bool {
        let name = name(in: line)
        return current.contains("dropped  \(name)") && !released.contains("dropped  \(name)")
            && !current.contains { $0.hasPrefix(Self.signature) && self.name(in: $0) == name }
    }

    /// `FUNCTION metering.f` of `signature  FUNCTION metering.f(a int) RETURNS int`.
    private func name(in line: String) -> String {
        String(line.dropFirst(Self.signature.count).prefix { $0 != "(" })
    }

    /// The last migration's name, which begins with its number.
    private func newest(_ lines: [String]) -> String {
        lines.compactMap { $0.split(separator: "  Migrations/").last.map(String.init) }
            .filter { $0.hasPrefix("V") }.max()?.prefix(5).description ?? ""
    }
}

@Suite(.timed) struct `The released schema` {
    private static func current() async throws -> String {
        try await RunningProcess.run("\(ProjectRoot.path)/scripts/release-schema", []).output
    }

    @Test func `stays as it was released`() async throws {
        let list = "Tests/released-schema.txt"
        let released = ProjectTree.has(list) ? try ProjectTree.file(list).text : ""
        let schema = ReleasedSchema(released: released, current: try await Self.current())
        #expect(schema.problems == [], "a released file is final: write a new one")
    }

    @Test func `lists every file, and the signature of every function and view`() async throws {
        let lines = try await Self.current().split(separator: "\n").filter {
            !$0.hasPrefix("dropped  ")
        }
        let migrations = try ProjectTree.files(ending: ".sql", in: "Sources/Ledger/Migrations")
        let functions = try ProjectTree.files(ending: ".sql", in: "Sources/Ledger/Functions")
        #expect(lines.count == migrations.count + 2 * functions.count + 1)
        #expect(lines.contains { $0.hasSuffix("  SQL/Schema/trigger_differences.sql") })
        let one = "signature  FUNCTION metering.standing_status(stored text) RETURNS text"
        #expect(lines.contains { $0 == one })
    }

    @Test(arguments: [
        ("1  Migrations/V0001_a.sql", "2  Migrations/V0001_a.sql", 1),
        ("1  Migrations/V0001_a.sql", "1  Migrations/V0001_a.sql\n3  Migrations/V0002_b.sql", 0),
        ("signature  f(a int)", "signature  f(a text)\n3  Migrations/V0002_b.sql", 1),
        ("signature  f(a int)", "signature  f(a int)\nsignature  g(a text)", 0),
        ("1  Functions/f.sql", "2  Functions/f.sql", 1),
        (
            "0  Migrations/V0001_a.sql\n1  SQL/Schema/trigger_differences.sql",
            "0  Migrations/V0001_a.sql\n2  SQL/Schema/trigger_differences.sql", 1
        ),
        (
            "0  Migrations/V0001_a.sql\n1  Functions/f.sql",
            "0  Migrations/V0001_a.sql\n2  Functions/f.sql\n3  Migrations/V0002_b.sql", 0
        ),
        ("", "1  Migrations/V0001_a.sql\n2  Functions/f.sql", 0),
        (
            "0  Migrations/V0001_a.sql\n1  Functions/f.sql\nsignature  FUNCTION metering.f(a int)",
            "0  Migrations/V0001_a.sql\n3  Migrations/V0002_b.sql\ndropped  FUNCTION metering.f", 0
        ),
        (
            "0  Migrations/V0001_a.sql\nsignature  FUNCTION metering.f(a int)",
            "0  Migrations/V0001_a.sql\n3  Migrations/V0002_b.sql\ndropped  FUNCTION metering.g", 1
        ),
        (
            "0  Migrations/V0001_a.sql\nsignature  FUNCTION metering.f(a int)",
            """
            0  Migrations/V0001_a.sql
            3  Migrations/V0002_b.sql
            dropped  FUNCTION metering.f
            signature  FUNCTION metering.f(a text)
            """, 1
        ),
        (
            """
            0  Migrations/V0001_a.sql
            dropped  FUNCTION metering.f
            signature  FUNCTION metering.f(a int)
            """,
            "0  Migrations/V0001_a.sql\ndropped  FUNCTION metering.f", 1
        ),
    ])
    func `is final in its migrations and signatures, and bodies change with a new migration`(
        released: String, current: String, problems: Int
    ) {
        let schema = ReleasedSchema(released: released, current: current)
        #expect(schema.problems.count == problems)
    }
}
