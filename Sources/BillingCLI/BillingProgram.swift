import ArgumentParser
import Shell

/// `billing`: the administrators' program.
@main
struct BillingProgram: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "billing",
        abstract: "Reports what each clinic used, and manages plans, limits and subscriptions.",
        discussion: """
            Examples:
              billing report --month 2026-11 --format csv --output november.csv
              billing clinics list --search dental

            Reads DATABASE_URL, or the file that DATABASE_URL_FILE names; its login needs the role \
            billing_admin, or billing_viewer for what only reads. Nouns may be singular or plural: \
            `billing plan list` is `billing plans list`.

            \(Outcome.help)
            """,
        version: Release.version,
        subcommands: [
            ReportCommand.self, UsageCommand.self, ClinicsCommand.self, PlanCommand.self,
            OverrideCommand.self, LimitsCommand.self, QuotaCommand.self, StandingCommand.self,
            SubscribeCommand.self, PlanChangeCommand.self, PayCommand.self,
            FailCommand.self, ReopenCommand.self, ChargeCommand.self, HoldCommand.self,
            ReleaseCommand.self, CancelCommand.self, DunningCommand.self, OutboxCommand.self,
        ])

    static func main() async { await CommandRun.end(Self.self) }
}
