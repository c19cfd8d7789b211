import ArgumentParser
import Billing
import Ledger
import Metering
import Shell
import Values

/// `billing dunning`: the steps for clinics that do not pay. Your own programs send the notices.
struct DunningCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dunning",
        abstract: "Notices, suspension and cancellation of a clinic that does not pay.",
        discussion: """
            Example:
              billing dunning simulate smile-dental
              billing dunning simulate smile-dental --unpaid-since 2026-12-01
            """,
        subcommands: [Simulate.self])

    struct Simulate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print each future date if no other fact arrives; change nothing.",
            discussion: """
                Example:
                  billing dunning simulate smile-dental --unpaid-since 2026-12-01
                """)

        @Argument(help: ArgumentHelp("The clinic.", valueName: "id|subdomain"))
        var clinic: String
        @Option(
            help: ArgumentHelp(
                "Assume a payment that fails at this time, in UTC.", valueName: "time"),
            transform: CommandArguments.time)
        var unpaidSince: UTCTime?

        func run() async throws {
            try await AdminDatabase.lend { ledger in
                let id = try await ledger.clinics.find(named: clinic)
                let record = try await ledger.subscriptions.standing(of: id)
                guard record.hasSubscription else { throw LedgerError.noSubscription(id) }
                let supposed = unpaidSince.map {
                    SubscriptionFact(at: $0, kind: .paymentFailed(invoice: nil))
                }
                let forecast = StandingForecast(
                    record.facts.map(\.fact) + (supposed.map { [$0] } ?? []), terms: record.terms,
                    entered: record.standing, schedule: record.schedule, now: record.now)
                let now = record.standing?.status.rawValue ?? record.storedStatus ?? ""
                try Console.write("\(record.now) \(TerminalText.quoted(now))\n")
                try Console.write(forecast.entries.map { $0.line + "\n" }.joined())
                if forecast.entries.isEmpty {
                    try Console.write("no change is due\n")
                }
            }
        }
    }
}
