public import Metering

/// Why a quota check has no answer.
public enum QuotaError: Error, Hashable, CustomStringConvertible {
    /// Redis did not answer, or answered that it cannot.
    case countersUnavailable(String)
    /// Redis did not answer a request that it may have counted.
    ///
    /// - Parameter isReplyPending: Whether its reply may still come; a `LateReplyObserver` gets it
    ///   then.
    case unanswered(String, isReplyPending: Bool)
    /// PostgreSQL did not answer, and Redis does not know the clinic.
    case termsUnavailable(String)
    /// Eight closed counts of the clinic wait for PostgreSQL.
    case unsettled(ClinicID)
    /// Redis holds a value for the clinic that no version of the library writes.
    case unreadable(ClinicID)
    /// The clinic's plan cannot be used.
    case plan(ClinicID, PlanError)
    /// This process has reached a bound of its own; no store is unavailable.
    case busy
    /// Redis and PostgreSQL kept disagreeing about the clinic's configuration.
    case unsteady(ClinicID)

    public enum Remedy: Sendable { case retry, page }

    /// What a caller may do about it.
    public var remedy: Remedy {
        switch self {
        case .countersUnavailable, .unanswered, .termsUnavailable, .unsettled, .busy, .unsteady:
            .retry
        case .unreadable, .plan: .page
        }
    }

    /// Whether a whole store is unavailable, and not one clinic in trouble.
    public var isStoreUnavailable: Bool {
        switch self {
        case .countersUnavailable, .unanswered, .termsUnavailable: true
        case .unsettled, .unreadable, .plan, .busy, .unsteady: false
        }
    }

    /// Whether Redis may have counted the call without a reply.
    public var mayHaveCounted: Bool { if case .unanswered = self { true } else { false } }

    /// Whether a late reply may still say what became of the call.
    package var isReplyPending: Bool { if case .unanswered(_, true) = self { true } else { false } }

    /// Whether it is PostgreSQL that gives no answer.
    package var isOfDatabase: Bool { if case .termsUnavailable = self { true } else { false } }

    /// This error as that of another call than the check: the check itself was not counted.
    public var ofOtherCall: QuotaError {
        if case .unanswered(let reason, _) = self { .countersUnavailable(reason) } else { self }
    }

    public var description: String {
        switch self {
        case .countersUnavailable(let reason), .unanswered(let reason, _):
            "Redis gives no answer: \(reason)"
        case .termsUnavailable(let reason): "PostgreSQL gives no answer: \(reason)"
        case .unsettled(let clinic):
            """
            clinic \(clinic) has eight closed counts that PostgreSQL has not confirmed; if they \
            are in metering.quarantine, raise METERING_MARK_MAX_PER_SECOND
            """
        case .unreadable(let clinic): "the counter of clinic \(clinic) is not readable"
        case .plan(let clinic, let error): "the plan of clinic \(clinic) is not usable: \(error)"
        case .busy:
            """
            too much is under way: calls that wait for Redis, or ids that are no clinic, of which \
            a worker looks up METERING_UNKNOWN_PER_SECOND
            """
        case .unsteady(let clinic): "the configuration of clinic \(clinic) keeps changing"
        }
    }
}
