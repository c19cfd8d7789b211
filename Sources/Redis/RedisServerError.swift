/// An error reply: `-WRONGTYPE Operation against a key…` has the code `WRONGTYPE`.
///
/// `message` is the server's own text and may repeat arguments of the command (`ERR unknown
/// command` does), so the description gives the code alone.
public struct RedisServerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The first word of the line.
    public let code: String
    /// The rest of the line.
    public let message: String

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// Splits a reply line, without its `-` and line end, at the first blank.
    init(line: String) {
        let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        code = parts.first.map(String.init) ?? ""
        message = parts.count == 2 ? String(parts[1]) : ""
    }

    public var description: String { code }

    /// FCALL named a function that no loaded library has: the library must be loaded (again).
    public var isFunctionNotFound: Bool { code == "ERR" && message.hasPrefix("Function not found") }
    /// The server reads its data from disk and answers nothing else yet.
    public var isLoading: Bool { code == "LOADING" }
    /// A script or function runs too long and blocks all clients.
    public var isBusy: Bool { code == "BUSY" }
    /// The server is a replica; a failover has moved the primary.
    public var isReadOnly: Bool { code == "READONLY" }
    /// Too few replicas are in touch (`min-replicas-to-write`).
    public var isNoReplicas: Bool { code == "NOREPLICAS" }
    /// The server cannot persist and refuses writes.
    public var isMisconfigured: Bool { code == "MISCONF" }
    /// The connection must authenticate, or what it gave was wrong.
    public var isAuthentication: Bool { code == "NOAUTH" || code == "WRONGPASS" }
}
