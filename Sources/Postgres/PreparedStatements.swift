/// Whether a connection parses a statement once and then runs it by name.
///
/// A pooler may serve each transaction with another session of the server, which does not know what
/// an earlier one has parsed.
public enum PreparedStatements: String, CaseIterable, Sendable {
    /// By name on a direct connection, without names behind a pooler.
    case automatic = "auto"
    /// By name, whatever is in between: for a pooler that moves parsed statements along.
    case always
    case never
}
