import DatabaseSupport
import Foundation
import LocalServers
import TestSupport
import Testing
import WorkerSupport

/// Every line for cron, run in the environment that Debian's cron gives it.
@Suite(.timed, .serialized) struct `Lines for cron` {
    private static let pages = ["README.md", "docs/report.md"]

    @Test func `run as cron runs them`() async throws {
        let home = try TemporaryDirectory("home of cron")
        defer { home.remove() }
        try await ProgramSite.lend(clinics: 1) { site in
            let settings: [String: String?] = [
                "DATABASE_URL": site.database.url(), "REDIS_URL": site.redis.url,
                "HOME": home.path,
            ]
            for line in try Self.pages.flatMap(CronLine.all) {
                let run = try await RunningProcess.run(
                    "/bin/sh", ["-c", try line.asCronRunsIt()], environment: settings)
                #expect(run.ending == .exited(0), "\(line.command): \(run.errors)")
                // cron would mail it, every few minutes.
                #expect(run.output + run.errors == "", "\(line.command)")
            }
            let report = try String(contentsOfFile: "\(home.path)/now.txt", encoding: .utf8)
            #expect(report.contains("as of "), "\(report)")
            let log = try String(
                contentsOfFile: "\(home.path)/metering-rollup.log", encoding: .utf8)
            #expect(log.contains("rows written"), "\(log)")
        }
    }

    @Test func `name programs by their full path and keep what is said`() throws {
        let lines = try Self.pages.flatMap(CronLine.all)
        #expect(lines.count == 2)
        for line in lines {
            #expect(line.command.hasPrefix("/usr/local/bin/"))
            #expect(line.command.contains("2>"))
            #expect(line.variables.contains("DATABASE_URL"))
            // cron ends a command at a percent sign.
            #expect(!line.command.contains("%"))
        }
    }

    /// A line elsewhere would be one that no test runs.
    @Test func `are all in blocks of their own`() throws {
        let folder = "\(ProjectRoot.path)/docs"
        let docs = try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(".md") }.map { "docs/\($0)" }
        for page in ["README.md"] + docs {
            let named = try ProjectText.of(page).matches(
                of: /^(?:[0-9*\/,-]+ ){5}\S/.anchorsMatchLineEndings()
            ).count
            #expect(try CronLine.all(in: page).count == named, "\(page)")
        }
        #expect(docs.count > 15)
    }
}
