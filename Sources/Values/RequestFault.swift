/// Why a request cannot be carried out.
public enum RequestFault: Sendable, Hashable {
    /// Wrong in itself: it would be refused whatever the stores hold.
    case malformed
    /// Refused by the present state of things. The description says what to do.
    case refused
}
