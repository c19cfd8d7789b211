import CPostgres
import Glibc
import Logging
import Synchronization

/// One attempt to connect, on a thread of its own.
///
/// `PQconnectPoll` looks up host names, reads password files and certificates, and so blocks in
/// spite of its name. Callers that wait for the attempt are answered at the deadline; a thread that
/// still hangs in a name lookup then closes what it made when it comes back.
final class ConnectAttempt: Sendable {
    private typealias Waiter = CheckedContinuation<Result<Link, PostgresError>, Never>

    private enum State {
        case new
        case waiting(Waiter)
        case settled
    }

    /// Far more than the pools of a process open at once: only attempts that never end reach it.
    private static let runningMax = 512
    private static let running = Mutex(0)

    private let configuration: PostgresConfiguration
    private let deadline: Deadline
    private let logger: Logger
    private let state = Mutex(State.new)

    init(_ configuration: PostgresConfiguration, logger: Logger) {
        self.configuration = configuration
        self.deadline = Deadline(in: configuration.connectTimeout)
        self.logger = logger
    }

    /// The connected link, ready for statements.
    func link() async throws(PostgresError) -> Link {
        let limit = deadline.limit
        let alarm = SocketPoller.shared.ring(at: deadline) {
            self.settle(.failure(.deadline(after: limit)))
        }
        defer { SocketPoller.shared.end(alarm) }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { begin($0) }
        } onCancel: {
            settle(.failure(.cancelled))
        }
        return try result.get()
    }

    private func begin(_ continuation: Waiter) {
        let isNew = state.withLock { state in
            guard case .new = state, !Task.isCancelled else { return false }
            state = .waiting(continuation)
            return true
        }
        guard isNew else {
            let isLate = !Task.isCancelled
            let error: PostgresError = isLate ? .deadline(after: deadline.limit) : .cancelled
            return continuation.resume(returning: .failure(error))
        }
        guard startThread() else {
            settle(.failure(.connect(nil, reason: "too many attempts to connect hang already")))
            return
        }
    }

    private func startThread() -> Bool {
        let mayStart = Self.running.withLock { count in
            guard count < Self.runningMax else { return false }
            count += 1
            return true
        }
        guard mayStart else { return false }
        let started = DedicatedThread.start {
            self.settle(self.connect())
            Self.running.withLock { $0 -= 1 }
        }
        if !started { Self.running.withLock { $0 -= 1 } }
        return started
    }

    /// Answers the waiting task once; later answers are dropped, and a link among them closes.
    private func settle(_ result: Result<Link, PostgresError>) {
        let waiting = state.withLock { state -> Waiter? in
            defer { state = .settled }
            return if case .waiting(let continuation) = state { continuation } else { nil }
        }
        waiting?.resume(returning: result)
    }

    private var isSettled: Bool {
        state.withLock { state in if case .settled = state { true } else { false } }
    }

    /// Runs on the attempt's own thread.
    private func connect() -> Result<Link, PostgresError> {
        do throws(PostgresError) {
            let link = try ConnectParameters(configuration).start(logger: logger)
            var next = PGRES_POLLING_WRITING
            while true {
                let handle = try link.live()
                guard !isSettled else { return .failure(.cancelled) }
                guard PQstatus(handle) != CONNECTION_BAD, next != PGRES_POLLING_FAILED else {
                    throw ConnectFailure(handle, configuration).error
                }
                if next == PGRES_POLLING_OK { return finish(link, handle) }
                guard deadline.milliseconds > 0 else {
                    return .failure(.deadline(after: deadline.limit))
                }
                if isReady(handle, toWrite: next == PGRES_POLLING_WRITING) {
                    next = PQconnectPoll(handle)
                }
            }
        } catch {
            return .failure(error)
        }
    }

    private func finish(_ link: Link, _ handle: OpaquePointer) -> Result<Link, PostgresError> {
        PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
        guard PQsetnonblocking(handle, 1) == 0 else { return .failure(.connectionLost(nil)) }
        return .success(link)
    }

    /// Waits in slices, so that an abandoned attempt ends soon.
    private func isReady(_ handle: OpaquePointer, toWrite: Bool) -> Bool {
        let events = Int16(toWrite ? POLLOUT : POLLIN)
        var socket = pollfd(fd: PQsocket(handle), events: events, revents: 0)
        return poll(&socket, 1, min(deadline.milliseconds, 100)) > 0
    }
}
