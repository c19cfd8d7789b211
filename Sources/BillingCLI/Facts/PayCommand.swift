import ArgumentParser
import Billing

struct PayCommand: PaymentCommand {
    static let configuration = CommandConfiguration(
        commandName: "pay", abstract: "Record that a clinic paid.",
        discussion: """
            Example:
              billing pay smile-dental --reason "bank transfer 4711" --key bank-4711
            """)
    @OptionGroup var subject: FactSubject
    @OptionGroup var payment: PaymentOptions
    @OptionGroup var change: ChangeOptions
    var kind: SubscriptionFact.Kind { .paid(invoice: payment.invoice) }
}
