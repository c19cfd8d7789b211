import ArgumentParser
import Shell

/// `billing`: the administrators' program.
@main
struct BillingProgram: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "billing",
        abstract: "Reports what each clinic used, and manages plans, limits and subscriptions.",
        discussion: """
            Example:
              billing report --month 2026-11 --format csv --output november.csv

            Reads DATABASE_URL, or the file that DATABASE_URL_FILE names; its login needs the role \
            billing_admin. Exit codes: 0 done, 1 failed, 2 wrong usage.
            """,
        version: Release.version,
        subcommands: [
            ReportCommand.self, LimitsCommand.self, PlanCommand.self, OverrideCommand.self,
            QuotaCommand.self,
            StandingCommand.self, SubscribeCommand.self, PlanChangeCommand.self, PayCommand.self,
            FailCommand.self, ReopenCommand.self, ChargeCommand.self, HoldCommand.self,
            ReleaseCommand.self, CancelCommand.self, DunningCommand.self, OutboxCommand.self,
        ])

    static func main() async { await CommandRun.end(Self.self) }
}
