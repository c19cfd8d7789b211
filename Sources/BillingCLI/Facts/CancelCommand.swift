import ArgumentParser
import Billing
import Metering

struct CancelCommand: FactCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "End a subscription, now or on a later day.",
        discussion: """
            No data of the clinic is deleted. Keeping reading and export open is up to your \
            application.

            Examples:
              billing cancel smile-dental --on 2026-12-31 --reason "closes"
              billing cancel smile-dental --undo --reason "stays after all"
            """)
    @OptionGroup var subject: FactSubject
    @Option(
        help: ArgumentHelp("When it ends, in UTC. Without it: now.", valueName: "time"),
        transform: CommandArguments.time)
    var on: UTCTime?
    @Flag(help: "Withdraw cancellations that have not taken effect.")
    var undo = false
    @OptionGroup var change: ChangeOptions

    func validate() throws {
        guard !(undo && on != nil) else { throw ValidationError("give --undo or --on, not both") }
    }

    /// A day in the past ends the subscription at once.
    var kind: SubscriptionFact.Kind {
        undo ? .cancelWithdrawn : .canceled(effective: on ?? .first)
    }
}
