import ArgumentParser
import Billing
import Metering

struct HoldCommand: FactCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold",
        abstract: "Pause a subscription: read only, until a day or until released.",
        discussion: """
            Example:
              billing hold smile-dental --until 2026-12-31 --reason "moves house"
            """)
    @OptionGroup var subject: FactSubject
    @Option(
        help: ArgumentHelp("When the hold ends, in UTC.", valueName: "time"),
        transform: CommandArguments.time)
    var until: UTCTime?
    @OptionGroup var change: ChangeOptions
    var kind: SubscriptionFact.Kind { .held(until: until) }
}
