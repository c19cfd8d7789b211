public import ArgumentParser
import FrontDoor
import Ledger
import Metering
public import Reports

extension ReportFormat: ExpressibleByArgument {}

/// `billing report`: one month of every clinic, or of one.
struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Print one month of usage, by clinic.",
        discussion: """
            Examples:
              billing report
              billing report --month 2026-11 --clinic smile-dental --format json

            Usage is what the last roll-up wrote; the report says how old it is.
            """)

    @Option(
        help: ArgumentHelp(
            "Calendar month in UTC. Without it: the current one.", valueName: "YYYY-MM"),
        transform: month)
    var month: Month?
    @Option(help: ArgumentHelp("Only this clinic.", valueName: "id|subdomain"))
    var clinic: String?
    @Option(help: "The form of the report. The table stops at 1,000 rows.")
    var format = ReportFormat.table
    @Option(
        help: ArgumentHelp(
            "Write to this file; it appears when it is complete, and replaces an older one.",
            valueName: "file"))
    var output: String?

    func run() async throws {
        try await AdminDatabase.lend { ledger in try await report(from: ledger) }
    }

    private func report(from ledger: Ledger) async throws {
        let current = try await ledger.currentMonth()
        let month = month ?? current
        var only: ClinicID?
        if let clinic { only = try await ledger.clinic(named: clinic) }
        // Asked for first: the rows are then at least as new as the report says.
        let age = try await ledger.reportAge(of: month)
        var page = try ReportPage(writer: format.writer(), path: output)
        try page.begin(month)
        try await ledger.report(month, clinic: only) { row in try page.add(row) }
        try page.end(age)
    }

    private static func month(_ text: String) throws -> Month {
        guard let month = Month(text) else {
            throw ValidationError("a month is written YYYY-MM, such as 2026-11")
        }
        return month
    }
}
