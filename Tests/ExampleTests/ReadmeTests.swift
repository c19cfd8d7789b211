import Foundation
import LocalServers
import TestSupport
import Testing

/// The commands of README.md under "On your own servers".
private struct OwnServerLines {
    let lines: [String]

    init() throws {
        let page = try String(contentsOfFile: "\(ProjectRoot.path)/README.md", encoding: .utf8)
        let heading = try #require(page.range(of: "## On your own servers"))
        let rest = page[heading.upperBound...]
        let begin = try #require(rest.range(of: "```sh\n"))
        let end = try #require(rest[begin.upperBound...].range(of: "\n```"))
        lines = rest[begin.upperBound..<end.lowerBound].split(separator: "\n").map(String.init)
    }

    /// All of them for bash, which ends at the first that fails, with the roll-up of cron before the
    /// report; then the worker is ended in order.
    func script(rollup: CronLine) throws -> String {
        let steps = lines.dropLast() + [try rollup.asCronRunsIt()] + lines.suffix(1)
        let told = steps.enumerated().map {
            "\($0.element)\necho \"step \($0.offset + 1) is done\" >&2\n"
        }
        return """
            set -eu
            trap 'for worker in $(jobs -p); do kill "$worker" || true; done' EXIT
            \(told.joined())
            kill -TERM $!
            wait $!

            """
    }
}

/// A database, logins and a port that nobody else has.
private struct EmptySite {
    let servers: LocalServers
    let database = "readme_\(UInt32.random(in: .min ... .max))"

    /// The variables that README.md asks for; both logins and their passwords stand in its lines.
    func environment() throws -> [String: String?] {
        let worker = servers.postgres.url(
            user: "metering", password: "change-me", database: database)
        let reports = servers.postgres.url(
            user: "reports", password: "change-me-too", database: database)
        let programs = try Product.path("").dropLast()
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return [
            "DATABASE_OWNER_URL": servers.postgres.superuserURL(database: database),
            "DATABASE_URL": worker, "REPORT_URL": reports, "REDIS_URL": servers.redis.url,
            "HTTP_PORT": "\(FreePort.next())", "HTTP_ADMIN_PORT": "0",
            "METERING_CHECK_TIMEOUT": "5s",
            "PATH": "\(programs):\(path)", "PSQLRC": "/dev/null", "no_proxy": "*",
        ]
    }

    func lend(_ body: () async throws -> Void) async throws {
        try await withResource(
            { try await servers.postgres.createDatabase(database) }, release: { try await remove() }
        ) { try await body() }
    }

    private func remove() async throws {
        try await servers.postgres.dropDatabase(database)
        _ = try await servers.postgres.client(
            "psql", ["-Xqc", "DROP ROLE IF EXISTS metering, reports"])
    }
}

@Suite(.timed) struct `On your own servers` {
    @Test func `the lines of README.md count a call and report it`() async throws {
        let block = try OwnServerLines()
        #expect(block.lines.count == 9)
        let rollup = try #require(try CronLine.all(in: "README.md").first)
        let site = EmptySite(servers: try await TestServers.shared())
        let directory = try TemporaryDirectory("readme")
        defer { directory.remove() }
        let file = "\(directory.path)/lines.sh"
        try block.script(rollup: rollup).write(toFile: file, atomically: true, encoding: .utf8)
        try await site.lend {
            var environment = try site.environment()
            environment["HOME"] = directory.path
            let run = try await RunningProcess.run(
                "bash", ["-e", file], environment: environment,
                workingDirectory: directory.path, within: .seconds(180))
            #expect(run.ending == .exited(0), "\(run.errors)")
            #expect(run.errors.contains("step 10 is done"))
            #expect(run.output.contains(#""allowed":true"#))
            let log = try String(
                contentsOfFile: "\(directory.path)/metering-rollup.log", encoding: .utf8)
            #expect(log.contains("1 rows written"))
            let reported = run.output.split(separator: "\n").first { $0.hasPrefix("smile ") }
            // Columns "api calls" and "included".
            #expect(try #require(reported).contains(/\s1\s+500000\s/))
        }
    }
}
