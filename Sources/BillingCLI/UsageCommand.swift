import ArgumentParser
import Billing
import Ledger
import Metering
import Reports
import Shell

/// `billing usage`: one clinic, month by month.
struct UsageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "usage",
        abstract: "Print what a clinic used, month by month.",
        discussion: """
            Thirteen months up to --month, as the last roll-up wrote them: the sums of `billing \
            report --group-by month` for one clinic.

            Examples:
              billing usage smile
              billing usage smile --month 2026-11 --format csv
            """)

    @Argument(help: ArgumentHelp("The clinic.", valueName: "id|subdomain")) var clinic: String
    @Option(
        help: ArgumentHelp(
            "The last month, in UTC. Without it: the current one.", valueName: "YYYY-MM"),
        transform: CommandArguments.month)
    var month: Month?
    @Option(help: "The form of the output: table, csv, json or ndjson.")
    var format = OutputFormat.table

    func validate() throws {
        guard format.ofLines != nil else {
            throw ValidationError("--format takes table, csv, json or ndjson here")
        }
    }

    func run() async throws {
        guard let format = format.ofLines else { return }
        try await AdminDatabase.lend { ledger in
            let current = try await ledger.usage.currentMonth()
            var selection = ReportSelection(month: month ?? current)
            selection.clinic = try await ledger.clinics.find(named: clinic)
            try await ledger.reports.read { reader in
                var page = try ReportPieces(writer: format.writer(), path: nil)
                try page.begin(ReportHead(month: selection.month, kind: .groups(.month)))
                for month in try await reader.months(of: selection) { try page.add(month.cells) }
                try page.end(try await reader.age(of: selection.month))
            }
        }
    }
}
