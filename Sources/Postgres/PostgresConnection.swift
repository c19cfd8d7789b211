import CPostgres
import Logging
import Synchronization

/// One session of PostgreSQL, for one task at a time.
///
/// A second task that uses it meanwhile gets `.connectionBusy`. A call whose deadline passes or
/// whose task is cancelled closes the connection, because an answer that comes later would be taken
/// for the answer to the next call.
public final class PostgresConnection: Sendable {
    struct State {
        enum Place { case here(Link), lent, closed }
        var place: Place
        /// Whether statements are parsed once and then run by name.
        var prepares = false
        /// Statements the server has parsed for us.
        var prepared: [PostgresStatement: Parsed] = [:]
        var isPooled = false
        /// A statement of the open transaction failed in a way that running it all again may fix.
        var sawRetryable = false
    }

    /// A statement as a session keeps it.
    struct Parsed {
        let name: String
        /// The number of earlier names in this session: each change of a table that the statement
        /// reads makes the server refuse the name in use.
        let generation: Int
        /// A table that it reads was changed, so it must be parsed again, under another name.
        var isOutdated = false
    }

    /// The most parsed statements that a session keeps; further ones are parsed for each call.
    static let preparedMax = 256

    let configuration: PostgresConfiguration
    let logger: Logger
    let state: Mutex<State>
    /// The process of the server that works for this session, as in `pg_stat_activity`.
    public let backendPID: Int32
    /// 150020 is 15.20.
    public let serverVersion: Int

    private init(_ link: Link, _ configuration: PostgresConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        self.backendPID = PQbackendPID(link.handle)
        self.serverVersion = Int(PQserverVersion(link.handle))
        self.state = Mutex(State(place: .here(link)))
    }

    /// Whether a pooler is between this session and PostgreSQL, found at the start.
    public var isPooled: Bool { state.withLock(\.isPooled) }

    static func open(
        _ configuration: PostgresConfiguration, logger: Logger
    ) async throws(PostgresError) -> PostgresConnection {
        let link = try await ConnectAttempt(configuration, logger: logger).link()
        let connection = PostgresConnection(link, configuration, logger: logger)
        let deadline = Deadline(in: configuration.connectTimeout)
        if let settings = connection.settingsToMend(link) {
            try await connection.withLink { link throws(PostgresError) in
                _ = try await connection.command(settings, on: link, deadline)
            }
        }
        let isPooled = try await connection.withLink { link throws(PostgresError) in
            try await connection.findsPooler(link, deadline)
        }
        connection.state.withLock { $0.isPooled = isPooled }
        switch configuration.preparedStatements {
        case .automatic: connection.state.withLock { $0.prepares = !isPooled }
        case .always: connection.state.withLock { $0.prepares = true }
        case .never: break
        }
        if isPooled {
            logger.debug("a pooler is between this session and PostgreSQL")
        }
        // A pooler would leave the setting behind in a session of other clients.
        if link.isEncrypted, !isPooled {
            try await connection.withLink { link throws(PostgresError) in
                try await connection.watchForOurEnd(on: link, deadline)
            }
        }
        return connection
    }

    /// Values are read as ISO dates in UTC. The server reports what it uses, so that nothing is
    /// sent to one that is set up so already; PgBouncer keeps track of these two.
    private func settingsToMend(_ link: Link) -> String? {
        func reported(_ name: String) -> String {
            PQparameterStatus(link.handle, name).map { String(cString: $0) } ?? ""
        }
        var settings: [String] = []
        if !["UTC", "Etc/UTC"].contains(reported("TimeZone")) {
            settings.append("TimeZone = 'UTC'")
        }
        if !reported("DateStyle").hasPrefix("ISO") { settings.append("DateStyle = 'ISO, MDY'") }
        guard !settings.isEmpty else { return nil }
        return settings.map { "SET \($0);" }.joined(separator: " ")
    }

    /// Whether a pooler is in between. A server names its process to the client at the start of the
    /// session; a pooler makes a number up, because the session has no process of its own.
    private func findsPooler(
        _ link: Link, _ deadline: Deadline
    ) async throws(PostgresError) -> Bool {
        let statement = PostgresStatement(
            name: "backend_pid", text: "VALUES (pg_catalog.pg_backend_pid())")
        let first = try await begin(statement, ParameterBlock([]), on: link, deadline)
        guard let first, first.kind == .row else {
            try await finish(link, statement, after: first, deadline)
            return false
        }
        let row = first.row(first.shape)
        if let next = try await link.nextResult(deadline) {
            try await finish(link, statement, after: next, deadline)
        }
        return try row.int64(0) != Int64(backendPID)
    }

    /// Makes the server test every second, while a statement runs, that the client is still
    /// connected. A server on a system without the means to do so refuses the setting and keeps its
    /// session.
    private func watchForOurEnd(on link: Link, _ deadline: Deadline) async throws(PostgresError) {
        do {
            _ = try await command(
                "SET client_connection_check_interval = '1s'", on: link, deadline)
        } catch .server {}
    }

    func close() {
        let link: Link? = state.withLock { state in
            defer { state.place = .closed }
            guard case .here(let link) = state.place else { return nil }
            return link
        }
        link?.close()
    }
}

extension PostgresConnection {
    /// Lends the link to one caller. The second at the same time is refused.
    func borrow() throws(PostgresError) -> Link {
        let place = state.withLock { state in
            defer { if case .here = state.place { state.place = .lent } }
            return state.place
        }
        switch place {
        case .here(let link): return link
        case .lent: throw .connectionBusy
        case .closed: throw .closed
        }
    }

    /// Takes the link back. A link that broke meanwhile, or whose connection was closed, is
    /// dropped.
    func giveBack(_ link: Link) {
        let isWanted = state.withLock { state in
            guard case .lent = state.place, !link.isClosed else {
                state.place = .closed
                return false
            }
            state.place = .here(link)
            return true
        }
        if !isWanted { link.close() }
    }

    /// Runs one call. A task that is cancelled already sends nothing, and the connection stays
    /// good.
    ///
    /// - Parameter name: The name under which `onCall` reports the time of the call; nil reports
    ///   nothing.
    func withLink<Answer>(
        naming name: String? = nil, _ body: (Link) async throws(PostgresError) -> Answer
    ) async throws(PostgresError) -> Answer {
        guard !Task.isCancelled else { throw .cancelled }
        let link = try borrow()
        defer { giveBack(link) }
        let began = ContinuousClock.now
        do {
            let answer = try await body(link)
            if let name { configuration.onCall?(name, ContinuousClock.now - began, false) }
            return answer
        } catch {
            if let name { configuration.onCall?(name, ContinuousClock.now - began, true) }
            noteFailure(error)
            throw error
        }
    }

    func noteFailure(_ error: PostgresError) {
        guard case .server(let error) = error, error.sqlState.isRetryable else { return }
        state.withLock { $0.sawRetryable = true }
    }

    func deadline(_ timeout: Duration?) -> Deadline {
        Deadline(in: timeout ?? configuration.callTimeout)
    }

    /// What the session is in the middle of; nil when it is closed or lent.
    private func transactionStatus() -> PGTransactionStatusType? {
        state.withLock { state in
            guard case .here(let link) = state.place else { return nil }
            return PQtransactionStatus(link.handle)
        }
    }

    var isIdle: Bool { transactionStatus() == PQTRANS_IDLE }

    var isClosed: Bool {
        state.withLock { if case .closed = $0.place { true } else { false } }
    }

    /// False when the server has ended the session while it was idle.
    func isAlive() -> Bool {
        state.withLock { state in
            guard case .here(let link) = state.place else { return false }
            return link.isAlive()
        }
    }
}
