import ArgumentParser
import Metering

/// The time of the fact, and its invoice.
struct PaymentOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("When it happened, in UTC. Without it: now.", valueName: "time"),
        transform: CommandArguments.time)
    var at: UTCTime?
    @Option(
        help: ArgumentHelp("One invoice. Without it: the whole account.", valueName: "name"))
    var invoice: String?
}
