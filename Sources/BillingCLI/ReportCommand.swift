public import ArgumentParser
import Foundation
import FrontDoor
import Ledger
import Logging
import Metering
import Postgres
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

    /// The one setting of this program.
    static let databaseURL = SettingKey(
        ["database", "url"], .secret(form: "postgresql://user@host/database"),
        "The database, with a login that has the role `billing_admin`.")

    func run() async throws {
        let settings = try Settings(
            keys: [Self.databaseURL], environment: ProcessInfo.processInfo.environment)
        for warning in settings.warnings { Console.note("billing: \(warning)") }
        var configuration = try PostgresConfiguration(
            settings.required(secret: Self.databaseURL))
        configuration.applicationName = "billing"
        configuration.poolSize = 1
        let pool = PostgresPool(
            configuration: configuration,
            logger: Logger(label: "billing") { _ in SwiftLogNoOpLogHandler() })
        let result: Result<Void, any Error>
        do { result = .success(try await report(from: Ledger(pool: pool))) } catch {
            result = .failure(ReportFailure(error) ?? error)
        }
        await pool.close()
        try result.get()
    }

    private func report(from ledger: Ledger) async throws {
        try await ledger.requireSchema()
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

/// A failure whose remedy only this program knows.
enum ReportFailure: Error, CustomStringConvertible {
    case noRights

    /// nil for all that explains itself.
    init?(_ error: any Error) {
        guard case LedgerError.store(.server(let server)) = error, server.sqlState.isPermission
        else { return nil }
        self = .noRights
    }

    var description: String {
        switch self {
        case .noRights:
            "this login may not read the report; as the owner run: GRANT billing_admin TO <login>"
        }
    }
}
