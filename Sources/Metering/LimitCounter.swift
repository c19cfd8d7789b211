/// What the database itself counts of a clinic and keeps within the plan, beside the calls.
public enum LimitCounter: String, CaseIterable, Sendable {
    /// People of the clinic, each counted once, and seats reserved for invited people.
    case users
    case patients
    /// Bytes of files.
    case storage
}
