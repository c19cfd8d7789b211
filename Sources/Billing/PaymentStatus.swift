/// Where a clinic's subscription stands. Raw values are stored; never rename one.
public enum PaymentStatus: String, CaseIterable, Sendable {
    /// The first payment is not confirmed yet.
    case incomplete
    /// The trial has an end in the future; nothing is charged.
    case trialing
    /// Paid up.
    case active
    /// An amount is unpaid, within the grace period.
    case pastDue = "past_due"
    /// The grace period is over.
    case suspended
    /// Halted by an administrator, or by the end of a trial without a way to pay.
    case paused
    /// Ended by choice, or unpaid at the last deadline.
    case canceled
    /// The end date passed, or the first payment never came.
    case expired

    /// What a clinic may do in some standing. Records of patients stay readable in each.
    public enum Access: Sendable, Hashable {
        /// Everything that the plan allows.
        case open
        /// Reading and export, nothing new.
        case readOnly
        /// Export only.
        case ended
    }

    public var access: Access {
        switch self {
        case .incomplete, .trialing, .active, .pastDue: .open
        case .suspended, .paused: .readOnly
        case .canceled, .expired: .ended
        }
    }
}
