import ArgumentParser
import Billing

struct FailCommand: PaymentCommand {
    static let configuration = CommandConfiguration(
        commandName: "fail", abstract: "Record that a clinic's payment failed.",
        discussion: """
            A paid invoice stays paid. For a refund, a dispute or a void payment, use \
            `billing reopen`.

            Example:
              billing fail smile-dental --reason "card expired"
            """)
    @OptionGroup var subject: FactSubject
    @OptionGroup var payment: PaymentOptions
    @OptionGroup var change: ChangeOptions
    var kind: SubscriptionFact.Kind { .paymentFailed(invoice: payment.invoice) }
}
