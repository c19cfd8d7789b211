public import Metering

/// Something that happened to a clinic's subscription. Facts are only ever added; what they add up
/// to is computed by ``Standing/after(_:terms:entered:schedule:now:)``.
public struct SubscriptionFact: Hashable, Sendable {
    /// When it happened, which may be long before it was recorded.
    public let at: UTCTime
    public let kind: Kind

    public enum Kind: Hashable, Sendable {
        /// A subscription began; what was before is history.
        case subscribed(trialUntil: UTCTime?, awaitsPayment: Bool)
        /// The application wrote this word itself: it holds until the first fact after it.
        case declared(PaymentStatus)
        /// An amount is to be paid by `due`.
        case charged(invoice: String, due: UTCTime)
        /// A payment failed: of one invoice, or of the account when none is named.
        case paymentFailed(invoice: String?)
        /// One invoice is paid, or everything that was open then.
        case paid(invoice: String?)
        /// What was paid is open again: a refund, a dispute, or a payment declared void.
        case reopened(invoice: String?)
        /// An administrator halts the subscription, for ever or up to `until`.
        case held(until: UTCTime?)
        /// Ends all holds before it.
        case released
        /// The subscription ends at `effective`.
        case canceled(effective: UTCTime)
        /// Takes back cancellations that have not taken effect.
        case cancelWithdrawn
    }

    public init(at: UTCTime, kind: Kind) {
        self.at = at
        self.kind = kind
    }

    /// Whether it starts the subscription again, so that only facts after it count.
    var isAnchor: Bool {
        switch kind {
        case .subscribed, .declared: true
        default: false
        }
    }
}
