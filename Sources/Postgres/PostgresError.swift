/// Why PostgreSQL gave no answer. Descriptions are safe for logs: they hold no parameter, no row
/// value, no statement text and no password.
public enum PostgresError: Error, Sendable, Hashable {
    /// The connection settings cannot be used. The text names what is wrong and repeats no secret.
    case configuration(String)
    /// No connection could be made. `reason` names host, port and user at most.
    case connect(SQLState?, reason: String)
    /// No TLS connection that the settings ask for could be made: the certificate of the server is
    /// not trusted or for another host, a client file cannot be used, or the server has no TLS.
    case untrusted(reason: String)
    /// The server refused the role or its password.
    case authentication(SQLState?)
    /// The call took longer than allowed. The connection was closed; a write may have happened.
    case deadline(after: Duration)
    /// The task was cancelled. If a statement was running, its connection was closed.
    case cancelled
    /// The server refused the statement.
    case server(PostgresServerError)
    /// The connection ended during a call. A write outside a transaction may have happened.
    case connectionLost(SQLState?)
    /// No connection became free in time (zero: too many were waiting already). Nothing was sent.
    case poolExhausted(waited: Duration)
    /// A column does not hold what the caller reads. `found` is a type or a kind, never a
    /// value.
    case decoding(column: String, expected: String, found: String)
    /// The answer to COMMIT was lost: the transaction happened entirely or not at all, unknown
    /// which.
    case commitUnknown
    /// COMMIT was answered with ROLLBACK, because the body went on after a statement that failed.
    case rolledBack
    /// The answer has more rows than the caller allows. The connection was closed.
    case tooManyRows(limit: Int)
    /// The pool or the connection was closed before the call. Nothing was sent.
    case closed
    /// The connection was used by two tasks at once, or while one of its streams was being read.
    case connectionBusy
    /// The statement cannot be run by the called function, for example a COPY inside `query`.
    case unsuitableStatement(String)

    /// What a caller may do about it.
    public enum Remedy: Sendable { case fixSettings, fixProgram, fixData, retry, findOut }

    public var remedy: Remedy {
        switch self {
        case .configuration, .authentication, .untrusted: .fixSettings
        case .connect(let state, _): Self.isPassing(state) ? .retry : .fixSettings
        case .poolExhausted, .cancelled: .retry
        case .deadline, .connectionLost, .commitUnknown: .findOut
        case .server(let error) where error.sqlState.isRetryable || error.sqlState.isResources:
            .retry
        case .server(let error) where error.sqlState.isData: .fixData
        case .server(let error) where error.sqlState.isPermission: .fixSettings
        case .server, .decoding, .rolledBack, .tooManyRows, .closed, .connectionBusy,
            .unsuitableStatement:
            .fixProgram
        }
    }

    /// Without a code the server was not reached at all: it may be starting.
    private static func isPassing(_ state: SQLState?) -> Bool {
        guard let state else { return true }
        return state.isConnection || state.isResources
    }

    /// The SQLSTATE, where the server sent one.
    public var sqlState: SQLState? {
        switch self {
        case .server(let error): error.sqlState
        case .connect(let state, _), .authentication(let state), .connectionLost(let state): state
        default: nil
        }
    }
}

extension PostgresError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .configuration(let problem): problem
        case .connect(let state, let reason):
            "cannot connect to PostgreSQL: \(reason)" + (state.map { " (\($0))" } ?? "")
        case .untrusted(let reason): "no trusted connection to PostgreSQL: \(reason)"
        case .authentication(let state):
            "PostgreSQL refused the role or its password" + (state.map { " (\($0))" } ?? "")
        case .deadline(let limit): "PostgreSQL gave no answer within \(limit)"
        case .cancelled: "the call was cancelled"
        case .server(let error): "\(error)"
        case .connectionLost(let state):
            "the connection to PostgreSQL was lost" + (state.map { " (\($0))" } ?? "")
        case .poolExhausted(let waited):
            waited == .zero
                ? "too many callers wait for a PostgreSQL connection"
                : "no PostgreSQL connection became free within \(waited)"
        case .decoding(let column, let expected, let found):
            "column \(column) holds \(found), expected \(expected)"
        case .commitUnknown: "the answer to COMMIT was lost; whether it happened is unknown"
        case .rolledBack:
            "COMMIT was answered with ROLLBACK because an earlier statement had failed"
        case .tooManyRows(let limit): "the answer has more than \(limit) rows"
        case .closed: "the PostgreSQL connection or pool is closed"
        case .connectionBusy: "one PostgreSQL connection was used by two tasks at once"
        case .unsuitableStatement(let why): "the statement cannot be run this way: \(why)"
        }
    }
}
