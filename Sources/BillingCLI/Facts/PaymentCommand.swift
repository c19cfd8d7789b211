import Metering

/// A fact about a payment.
protocol PaymentCommand: FactCommand {
    var payment: PaymentOptions { get }
}

extension PaymentCommand {
    var at: UTCTime? { payment.at }
}
