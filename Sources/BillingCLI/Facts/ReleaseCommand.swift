import ArgumentParser
import Billing

struct ReleaseCommand: FactCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "End all holds of a subscription.",
        discussion: """
            Example:
              billing release smile-dental --reason "is back"
            """)
    @OptionGroup var subject: FactSubject
    @OptionGroup var change: ChangeOptions
    var kind: SubscriptionFact.Kind { .released }
}
