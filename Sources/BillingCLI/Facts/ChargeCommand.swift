import ArgumentParser
import Billing
import Metering

struct ChargeCommand: FactCommand {
    static let configuration = CommandConfiguration(
        commandName: "charge", abstract: "Record an invoice and the day it is due.",
        discussion: """
            Example:
              billing charge smile-dental --invoice 2026-117 --due 2026-12-15 --reason "December"
            """)
    @OptionGroup var subject: FactSubject
    @Option(help: ArgumentHelp("The invoice.", valueName: "name"))
    var invoice: String
    @Option(
        help: ArgumentHelp("The due time; unpaid after it, in UTC.", valueName: "time"),
        transform: CommandArguments.time)
    var due: UTCTime
    @OptionGroup var change: ChangeOptions
    var kind: SubscriptionFact.Kind { .charged(invoice: invoice, due: due) }
}
