import Metering

/// A call of the counter store that an id names: a check that counts once, a reservation, a refund.
public enum HoldCall: Hashable, Sendable {
    /// Decides and counts a call once for its id; the mode is not `peek`.
    case checkOnce(CheckRequest, id: CallID)
    /// Counts units and holds them; the mode is `consume`.
    case reserve(CheckRequest, HoldTerms)
    /// Keeps `units` of a hold as used and gives the rest back; nil keeps all.
    case commit(HoldClaim, id: CallID, units: Int64?)
    /// Gives all of a hold back.
    case release(HoldClaim, id: CallID)
    /// Gives units of the running period back.
    case refund(HoldClaim, id: CallID, units: Int64)
}

extension HoldCall {
    /// The name of its function in the library.
    public var function: String {
        switch self {
        case .checkOnce: "metering_check_once"
        case .reserve: "metering_reserve"
        case .commit: "metering_commit"
        case .release: "metering_release"
        case .refund: "metering_refund"
        }
    }

    /// Whether it reads and writes the clinic's holds.
    public var usesHolds: Bool {
        if case .checkOnce = self { false } else { true }
    }

    public var arguments: [[UInt8]] {
        switch self {
        case .checkOnce(let request, let id): [request.encoded, id.bytes]
        case .reserve(let request, let terms): [request.encoded, terms.encoded]
        case .commit(let claim, let id, let units): [claim.encoded(id, units: units ?? -1)]
        case .release(let claim, let id): [claim.encoded(id, units: -1)]
        case .refund(let claim, let id, let units): [claim.encoded(id, units: units)]
        }
    }
}
