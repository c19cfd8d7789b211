public import Metering

/// Why a quota check has no answer.
public enum QuotaError: Error, Hashable, CustomStringConvertible {
    /// Redis did not answer, or answered that it cannot.
    case countersAway(String)
    /// PostgreSQL did not answer, and Redis does not know the clinic.
    case settingsAway(String)
    /// Eight closed counts of the clinic wait for PostgreSQL.
    case unsettled(ClinicID)
    /// Redis holds something for the clinic that no version of ours writes.
    case unreadable(ClinicID)
    /// The clinic's plan cannot be used.
    case plan(ClinicID, PlanError)
    /// More clinics are being loaded than the limit allows.
    case busy
    /// Redis and PostgreSQL kept disagreeing about the clinic's configuration.
    case unsteady(ClinicID)

    public enum Remedy: Sendable { case retry, page }

    /// What a caller may do about it.
    public var remedy: Remedy {
        switch self {
        case .countersAway, .settingsAway, .unsettled, .busy, .unsteady: .retry
        case .unreadable, .plan: .page
        }
    }

    /// Whether a whole store is away, not one clinic in trouble.
    public var isStoreAway: Bool {
        switch self {
        case .countersAway, .settingsAway: true
        case .unsettled, .unreadable, .plan, .busy, .unsteady: false
        }
    }

    public var description: String {
        switch self {
        case .countersAway(let reason): "Redis gives no answer: \(reason)"
        case .settingsAway(let reason): "PostgreSQL gives no answer: \(reason)"
        case .unsettled(let clinic):
            """
            clinic \(clinic) has eight closed counts that PostgreSQL has not confirmed; if they stand in \
            metering.quarantine, raise METERING_MARK_MAX_PER_SECOND
            """
        case .unreadable(let clinic): "the counter of clinic \(clinic) is not readable"
        case .plan(let clinic, let error): "the plan of clinic \(clinic) is not usable: \(error)"
        case .busy: "too many clinics are being loaded"
        case .unsteady(let clinic): "the configuration of clinic \(clinic) keeps changing"
        }
    }
}
