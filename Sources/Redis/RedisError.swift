/// Why a command has no answer.
///
/// An error reply of the server is an answer and comes as ``RedisReply/error(_:)``. No case holds a
/// password, an argument or a reply, so every description is safe for a log.
public enum RedisError: Error, Sendable, Hashable {
    /// The address or a setting cannot be used; the text names the part.
    case configuration(String)
    /// No connection was up and the last attempt to make one failed for this reason.
    case notConnected(String)
    /// Connecting, AUTH and SELECT together took longer than `after`.
    case connectTimeout(after: Duration)
    /// No encrypted connection could be made. Nothing was sent in the clear.
    case tls(RedisTLSProblem)
    /// A file of ``RedisTLS/Files`` cannot be used; the text names its path at most.
    case tlsFile(RedisTLS.File, problem: String)
    /// The server rejected the credentials. `code` is its error code, such as `WRONGPASS`.
    case authentication(code: String)
    /// No reply within `after`. `sent`: the bytes may have reached the server.
    case deadline(after: Duration, sent: Bool)
    /// `limit` commands (or bytes of commands) were already waiting on the connection.
    case queueFull(limit: Int)
    /// The server sent something that is not RESP2, or a reply to no command.
    case protocolViolation(String)
    /// One reply was larger than `limit` bytes.
    case replyTooLarge(limit: Int)
    /// One reply nested arrays deeper than `limit`.
    case replyTooDeep(limit: Int)
    /// One reply held more than `limit` elements, counted over all its arrays.
    case replyTooLong(limit: Int)
    /// The connection ended first. `sent`: the bytes may have reached the server.
    case connectionLost(sent: Bool)
    /// The waiting task was cancelled. `sent`: the bytes may have reached the server.
    case cancelled(sent: Bool)
    /// The server refused a command of the driver itself, such as FUNCTION LOAD.
    case refused(RedisServerError)
    /// The client was closed.
    case closed

    /// Whether the server may have run the command. `false` means that it surely did not.
    public var mayHaveRun: Bool {
        switch self {
        case .deadline(_, let sent), .connectionLost(let sent), .cancelled(let sent): sent
        case .protocolViolation, .replyTooLarge, .replyTooDeep, .replyTooLong: true
        case .configuration, .notConnected, .connectTimeout, .tls, .tlsFile, .authentication,
            .queueFull, .refused, .closed:
            false
        }
    }

    /// What a caller may do about it.
    public var remedy: Remedy {
        switch self {
        case .configuration, .tlsFile, .authentication, .refused: .fixConfiguration
        case .tls(let problem): problem.remedy
        case .notConnected, .connectTimeout, .deadline, .queueFull, .connectionLost, .cancelled,
            .closed:
            .retry
        case .protocolViolation, .replyTooLarge, .replyTooDeep, .replyTooLong: .page
        }
    }

    public enum Remedy: Sendable, Hashable { case fixConfiguration, retry, page }
}

extension RedisError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .configuration(let what): "Redis address: \(what)"
        case .notConnected(let reason): "Redis is not connected: \(reason)"
        case .connectTimeout(let after): "Redis did not finish connecting within \(after)"
        case .tls(let problem): "no encrypted connection to Redis: \(problem)"
        case .tlsFile(.authorities, let problem): "the CA file \(problem)"
        case .tlsFile(.certificate, let problem): "the certificate file \(problem)"
        case .tlsFile(.key, let problem): "the key file \(problem)"
        case .authentication(let code): "Redis refused the credentials: \(code)"
        case .deadline(let after, let sent): "no reply from Redis within \(after), \(fate(sent))"
        case .queueFull(let limit): "the queue to Redis is full at \(limit)"
        case .protocolViolation(let what): "Redis broke the protocol: \(what)"
        case .replyTooLarge(let limit): "a reply of Redis was larger than \(limit) bytes"
        case .replyTooDeep(let limit): "a reply of Redis was nested deeper than \(limit)"
        case .replyTooLong(let limit): "a reply of Redis held more than \(limit) elements"
        case .connectionLost(let sent): "the connection to Redis was lost, \(fate(sent))"
        case .cancelled(let sent): "the wait for Redis was cancelled, \(fate(sent))"
        case .refused(let error): "Redis refused: \(error)"
        case .closed: "the Redis client is closed"
        }
    }

    private func fate(_ sent: Bool) -> String { sent ? "may have run" : "was never sent" }
}

extension RedisError {
    static func metReplica(_ error: RedisServerError) -> RedisError {
        .notConnected("the server is a replica; it replied \(error.code)")
    }

    /// The error for commands that come while the connection is down: they surely did not run.
    var asUnavailable: RedisError {
        switch self {
        case .configuration, .notConnected, .connectTimeout, .tls, .tlsFile, .authentication,
            .refused, .closed:
            self
        default: .notConnected("\(self)")
        }
    }
}
