public import ArgumentParser
public import Reports
import Shell

/// `metering-worker demo`: the main job on private servers.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Play an access log against private servers, and print the report.",
        discussion: """
            Examples:
              metering-worker demo
              metering-worker demo --access-log /var/log/nginx/access.log.1.gz --once --report-format csv

            Starts a private PostgreSQL and Redis, makes each line of the log one call over HTTP, rolls usage up \
            and prints the report. Data are kept in .local/demo, and the next run adds to them. With --access-log \
            every host is a clinic without limits.
            """)

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

    func run() async throws {
        try await Demo(accessLog: accessLog, once: once, fresh: fresh, format: reportFormat).run()
    }
}

extension ReportFormat: ExpressibleByArgument {}
