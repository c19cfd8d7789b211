public import Metering

/// Where a clinic's subscription stands, since when, and why.
public struct Standing: Hashable, Sendable {
    public let status: PaymentStatus
    /// When this status began. A step of severity waits from here.
    public let since: UTCTime
    public let cause: Cause

    /// Why a status began. Raw values are stored; never rename one.
    public enum Cause: String, CaseIterable, Sendable {
        case subscribed
        /// The application wrote the word itself.
        case declared
        case paid
        /// An amount is past its day, or a payment failed.
        case unpaid
        /// The time of grace is over.
        case graceEnded = "grace_ended"
        /// The last deadline has passed.
        case deadlinePassed = "deadline_passed"
        case trialEnded = "trial_ended"
        case held, released, canceled
        /// The end date has passed and nothing renews it.
        case endDatePassed = "end_date_passed"
        case firstPaymentMissing = "first_payment_missing"
        /// What ended the subscription is no longer so: news of an earlier time, or another end
        /// date.
        case restored
    }

    public init(status: PaymentStatus, since: UTCTime, cause: Cause) {
        self.status = status
        self.since = since
        self.cause = cause
    }
}
