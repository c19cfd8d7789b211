public import Logging
import Synchronization

/// A bounded number of connections, opened when they are needed and used again.
///
/// Who finds none free waits in order of arrival, up to the configuration's `waitTimeout`.
/// Connections that broke, are too old, or come back in the middle of a transaction are closed.
public final class PostgresPool: Sendable {
    let configuration: PostgresConfiguration
    let logger: Logger
    let state = Mutex(PoolState())

    public init(configuration: PostgresConfiguration, logger: Logger) {
        precondition((1...64).contains(configuration.poolSize), "poolSize lies in 1...64")
        precondition(configuration.waitersMax >= 0, "waitersMax is not negative")
        self.configuration = configuration
        self.logger = logger
    }

    /// Lends a connection to `body`. Transactions that `body` leaves open are rolled back.
    public func withConnection<Answer>(
        _ body: (PostgresConnection) async throws -> Answer
    ) async throws -> Answer {
        let lease = try await lease()
        defer { takeBack(lease) }
        return try await body(lease.connection)
    }

    /// Runs `body` in a transaction on a connection of the pool; see
    /// `PostgresConnection.transaction`.
    public func transaction<Answer>(
        _ isolation: PostgresIsolation = .readCommitted, readOnly: Bool = false, retries: Int = 5,
        _ body: (PostgresConnection) async throws -> Answer
    ) async throws -> Answer {
        try await withConnection {
            try await $0.transaction(isolation, readOnly: readOnly, retries: retries, body)
        }
    }

    /// See `PostgresConnection.query`.
    public func query(
        _ statement: PostgresStatement, _ parameters: [PostgresValue] = [], rowsMax: Int = 100_000,
        timeout: Duration? = nil
    ) async throws(PostgresError) -> [PostgresRow] {
        let lease = try await lease()
        defer { takeBack(lease) }
        return try await lease.connection.query(
            statement, parameters, rowsMax: rowsMax, timeout: timeout)
    }

    /// See `PostgresConnection.execute`.
    @discardableResult
    public func execute(
        _ statement: PostgresStatement, _ parameters: [PostgresValue] = [], timeout: Duration? = nil
    ) async throws(PostgresError) -> Int {
        let lease = try await lease()
        defer { takeBack(lease) }
        return try await lease.connection.execute(statement, parameters, timeout: timeout)
    }

    /// See `PostgresConnection.script`.
    public func script(_ text: String, timeout: Duration? = nil) async throws(PostgresError) {
        let lease = try await lease()
        defer { takeBack(lease) }
        try await lease.connection.script(text, timeout: timeout)
    }

    /// Refuses new calls, answers those who wait with `.closed`, closes what is idle, and waits up
    /// to `callTimeout` until running calls have brought their connections back.
    public func close() async {
        let ticket = state.withLock { $0.newTicket() }
        let deadline = Deadline(in: configuration.callTimeout)
        let alarm = SocketPoller.shared.ring(at: deadline) {
            self.state.withLock { $0.closers.removeValue(forKey: ticket) }?.resume()
        }
        let (idle, waiters) = state.withLock { $0.close() }
        for lease in idle { lease.connection.close() }
        for waiter in waiters { waiter.resume(returning: .failure(.closed)) }
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                guard state.open > 0, deadline.milliseconds > 0 else { return true }
                state.closers[ticket] = continuation
                return false
            }
            if isDone { continuation.resume() }
        }
        SocketPoller.shared.end(alarm)
    }
}
