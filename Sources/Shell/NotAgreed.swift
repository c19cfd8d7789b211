public import Values

/// The operator did not agree, so nothing was done.
public struct NotAgreed: Error, Hashable, CustomStringConvertible {
    /// False when there was no terminal to ask on.
    let wasAsked: Bool

    public var description: String {
        wasAsked
            ? "nothing was changed"
            : "nothing was changed: there is no terminal to ask on; read what would change, then "
                + "add --yes"
    }
}

extension NotAgreed: RequestError {
    public var fault: RequestFault? { wasAsked ? nil : .malformed }
}
