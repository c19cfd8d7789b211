import ArgumentParser
import Billing

struct ReopenCommand: PaymentCommand {
    static let configuration = CommandConfiguration(
        commandName: "reopen",
        abstract: "Record that a paid amount is open again: a refund, a dispute, a void payment.",
        discussion: """
            Example:
              billing reopen smile-dental --invoice 2026-117 --reason "chargeback"
            """)
    @OptionGroup var subject: FactSubject
    @OptionGroup var payment: PaymentOptions
    @OptionGroup var change: ChangeOptions
    var kind: SubscriptionFact.Kind { .reopened(invoice: payment.invoice) }
}
