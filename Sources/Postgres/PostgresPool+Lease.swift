import Logging
import Synchronization

extension PostgresPool {
    /// A connection that answers, an idle one or a new one.
    func lease() async throws(PostgresError) -> Lease {
        let deadline = Deadline(in: configuration.waitTimeout)
        while true {
            guard !Task.isCancelled else { throw .cancelled }
            switch try await grant(deadline) {
            case .opening: return try await open()
            case .lease(let lease):
                if lease.connection.isAlive() { return lease }
                // The server ended the session while it was idle. The next one is tried, or a new
                // one.
                logger.debug("a connection to PostgreSQL was closed by the server")
                discard(lease)
            }
        }
    }

    private func grant(_ deadline: Deadline) async throws(PostgresError) -> PoolState.Grant {
        let size = configuration.poolSize
        let (request, ticket) = state.withLock { ($0.request(size: size), $0.newTicket()) }
        switch request {
        case .granted(let grant): return grant
        case .refused(let error): throw error
        case .queued: return try await wait(ticket, deadline)
        }
    }

    /// Each of arrival, deadline and cancellation takes the waiter out of the line under the lock
    /// before it answers, so exactly one of them does.
    private func wait(
        _ ticket: UInt64, _ deadline: Deadline
    ) async throws(PostgresError) -> PoolState.Grant {
        let limit = deadline.limit
        let alarm = SocketPoller.shared.ring(at: deadline) {
            self.giveUp(ticket, .poolExhausted(waited: limit))
        }
        defer { SocketPoller.shared.end(alarm) }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: PoolState.Waiter) in
                queue(waiter, ticket, deadline)
            }
        } onCancel: {
            giveUp(ticket, .cancelled)
        }
        return try result.get()
    }

    /// The alarm may have rung, or the task been cancelled, before the waiter stood in the line.
    private func queue(_ waiter: PoolState.Waiter, _ ticket: UInt64, _ deadline: Deadline) {
        let answer: Result<PoolState.Grant, PostgresError>? = state.withLock { state in
            if Task.isCancelled { return .failure(.cancelled) }
            guard deadline.milliseconds > 0 else {
                return .failure(.poolExhausted(waited: deadline.limit))
            }
            let request = state.enqueue(
                waiter, ticket: ticket, size: configuration.poolSize,
                waitersMax: configuration.waitersMax)
            switch request {
            case .granted(let grant): return .success(grant)
            case .refused(let error): return .failure(error)
            case .queued: return nil
            }
        }
        if let answer { waiter.resume(returning: answer) }
    }

    private func giveUp(_ ticket: UInt64, _ error: PostgresError) {
        let waiter = state.withLock { $0.removeWaiter(ticket) }
        waiter?.resume(returning: .failure(error))
    }

    private func open() async throws(PostgresError) -> Lease {
        do {
            let connection = try await PostgresConnection.open(configuration, logger: logger)
            return Lease(connection: connection, expires: .now.advanced(by: lifetime()))
        } catch {
            freePlace()
            throw error
        }
    }

    /// 80 to 100 % of the configured age, so that connections of one start do not end together.
    private func lifetime() -> Duration {
        configuration.connectionLifetime / 100 * Int.random(in: 80...100)
    }

    func takeBack(_ lease: Lease) {
        guard lease.connection.isIdle, lease.expires > .now else { return discard(lease) }
        let (next, kept) = state.withLock { $0.takeBack(lease) }
        guard kept else { return discard(lease) }
        next?.resume(returning: .success(.lease(lease)))
    }

    private func discard(_ lease: Lease) {
        lease.connection.close()
        freePlace()
    }

    private func freePlace() {
        let (next, closers) = state.withLock { $0.freePlace() }
        next?.resume(returning: .success(.opening))
        for closer in closers { closer.resume() }
    }
}

extension PostgresPool {
    /// How many callers wait for a connection now.
    public var waiterCount: Int { state.withLock { $0.waiterCount } }
    /// How many connections are open or being opened now.
    public var openCount: Int { state.withLock { $0.open } }
}
