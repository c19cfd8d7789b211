public import ArgumentParser
import Shell
public import Reports

/// `metering-demo`, which `metering-worker demo` becomes: the main job on private servers.
@main
struct DemoProgram: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metering-demo",
        abstract: "Play an access log against private servers, and print the report.",
        discussion: """
            Examples:
              metering-worker demo
              metering-worker demo --access-log /var/log/nginx/access.log.1.gz --once --report-format csv

            Starts a private PostgreSQL, Redis and worker, sends each line of the log as one call \
            over HTTP, rolls usage up and prints the report. The data stay in .local/demo, and \
            the next run adds to them. With --access-log, every host is a clinic without limits.
            """,
        version: Release.version)

    @Option(
        help: ArgumentHelp(
            "The log to play; .gz is unpacked. Without it: the sample log.", valueName: "file"))
    var accessLog: String?
    @Flag(help: "Print only the report on stdout, all else on stderr, and end.")
    var once = false
    @Flag(help: "Start over: forget the data of earlier runs.")
    var fresh = false
    @Option(help: "table, csv, json or ndjson.")
    var reportFormat = ReportFormat.table

    static func main() async { await CommandRun.end(Self.self) }

    func run() async throws {
        try await Demo(accessLog: accessLog, once: once, fresh: fresh, format: reportFormat)
            .runUntilSignal()
    }
}

extension ReportFormat: ExpressibleByArgument {}
