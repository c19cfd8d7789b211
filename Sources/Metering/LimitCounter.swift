/// What the database itself counts of a clinic and keeps within the plan, beside the calls.
public enum LimitCounter: String, CaseIterable, Sendable {
    /// People: who belongs to the clinic in any way, once each, and seats reserved for the invited.
    case users
    case patients
    /// Bytes of files.
    case storage
}
