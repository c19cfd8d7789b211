import Logging
import NIOCore
import Synchronization

/// One event loop's way to Redis: it accepts calls, keeps a connection up and watches deadlines.
///
/// The story of a call. Any thread submits it; the intake bounds how many calls and bytes wait, and
/// refuses what is too much. On the loop the call goes to the connection, which writes everything
/// of one tick in one flush and matches replies by their order.
///
/// The story of a connection. It dials, greets (AUTH, SELECT, name), serves, and ends:
/// - While the first attempt to connect runs, calls wait in a queue until their deadlines.
/// - After a failed attempt the lane refuses calls at once, rests, and dials again until a
///   connection is up.
/// - A connection on which a deadline passed is suspect. It gets no more calls and is read on for
///   late replies, while a new one takes over: at once if the old one had lasted a second,
///   otherwise after a rest.
/// - A server that answers as a replica is left too, but always after a rest, and the next one must
///   accept writes.
/// - A server that accepts no writes for now keeps its connection; the lane tests it every second.
///
/// `@unchecked Sendable`: constants are Sendable, everything under "on the loop" is read and
/// written on `loop` alone.
final class Lane: @unchecked Sendable {
    private enum Phase {
        /// The first attempt runs, or one that follows a long-lived connection at once.
        case dialing
        /// The last attempt failed; another is under way (`isDialing`) or comes after a rest.
        case down(RedisError)
        case up(Connection, since: NIODeadline)
        case closed
    }

    /// A connection that lasted this long is replaced at once, a shorter one after a rest.
    private static let steady = TimeAmount.seconds(1)
    /// Retired connections that are still read, at most; one more closes the oldest.
    private static let retiredMax = 4
    /// Between two questions to a server that takes no writes whether it takes them again.
    private static let questionPause = TimeAmount.seconds(1)

    let loop: any EventLoop
    let gauge = Gauge()
    let intake: Intake
    private let configuration: RedisConfiguration
    private let logger: Logger
    private let dialer: Dialer
    private let onReply: RedisReplyTime?

    // On the loop.
    private var phase = Phase.dialing
    private var waiting: CircularBuffer<Call> = []
    private var greeting: Connection?
    private var retired: [Connection] = []
    private var backoff = Backoff()
    private var attempt = 0
    /// Whether the address last led to a replica.
    private var hasMetReplica = false
    /// Whether the question is due.
    private var isToAsk = false
    private var isDialing = false
    private var alarm: Alarm
    private var hasReadSinceDelay = false
    private var whenClosed: [@Sendable () -> Void] = []

    init(
        _ configuration: RedisConfiguration, loop: any EventLoop, logger: Logger,
        onReply: RedisReplyTime? = nil
    ) {
        self.configuration = configuration
        self.onReply = onReply
        self.loop = loop
        self.logger = logger
        alarm = Alarm(loop: loop)
        dialer = Dialer(configuration: configuration, loop: loop)
        intake = Intake(callsMax: configuration.pendingMax, bytesMax: configuration.pendingBytesMax)
    }

    func start() { loop.execute { self.dial() } }
}

// MARK: Calls

extension Lane {
    /// Takes calls from any thread; they stay next to each other and in order.
    func submit(_ calls: [Call]) {
        let size = calls.reduce(0) { $0 + $1.bytes }
        if let full = intake.reserve(count: calls.count, size: size) {
            for call in calls { call.refuse(full) }
        } else if loop.inEventLoop {
            drain()
            let now = NIODeadline.now()
            for call in calls { admit(call, now) }
        } else if intake.put(calls) {
            loop.execute { self.drain() }
        }
    }

    func submit(_ call: Call) {
        if let full = intake.reserve(count: 1, size: call.bytes) {
            call.refuse(full)
        } else if loop.inEventLoop {
            drain()
            admit(call, .now())
        } else if intake.put(call) {
            loop.execute { self.drain() }
        }
    }

    func cancel(_ call: Call) {
        if loop.inEventLoop { call.cancel() } else { loop.execute { call.cancel() } }
    }

    private func drain() {
        let calls = intake.takeAll()
        guard !calls.isEmpty else { return }
        let now = NIODeadline.now()
        for call in calls { admit(call, now) }
    }

    private func admit(_ call: Call, _ now: NIODeadline) {
        if call.isCancelled { return reject(call, .cancelled(sent: false)) }
        if call.deadline <= now {
            return reject(call, .deadline(after: call.timeout, sent: false))
        }
        switch phase {
        case .up(let connection, _):
            connection.send(call)
            watch(call.deadline)
        case .dialing:
            call.beginWaiting()
            waiting.append(call)
            watch(call.deadline)
        case .down(let reason): reject(call, reason)
        case .closed: reject(call, .closed)
        }
    }

    private func reject(_ call: Call, _ reason: RedisError) {
        intake.release(count: 1, size: call.bytes)
        call.finish(.failure(reason))
    }

    private func rejectWaiting(_ reason: RedisError) {
        let calls = waiting
        waiting.removeAll()
        for call in calls { reject(call, reason) }
    }
}

// MARK: Deadlines

extension Lane {
    private func watch(_ deadline: NIODeadline) { alarm.watch(deadline) { self.ring() } }

    private func ring() {
        let now = NIODeadline.now()
        // A loop that was held up has not read what came meanwhile. It reads once before we judge,
        // or its own delay would be taken for the server's.
        if alarm.rang(now), !hasReadSinceDelay {
            hasReadSinceDelay = true
            return watch(now + .milliseconds(1))
        }
        hasReadSinceDelay = false
        var next: [NIODeadline?] = [expireWaiting(now)]
        for connection in retired { next.append(connection.expire(now).next) }
        if case .up(let connection, _) = phase {
            let (found, deadline) = connection.expire(now)
            next.append(deadline)
            if found { suspect(connection) }
        }
        if let earliest = next.compactMap({ $0 }).min() { watch(earliest) }
    }

    private func expireWaiting(_ now: NIODeadline) -> NIODeadline? {
        let calls = waiting
        waiting.removeAll()
        for call in calls {
            if call.isResolved {
                reject(call, .cancelled(sent: false))
            } else if call.deadline <= now {
                reject(call, .deadline(after: call.timeout, sent: false))
            } else {
                waiting.append(call)
            }
        }
        return waiting.lazy.map(\.deadline).min()
    }

    private func suspect(_ connection: Connection) {
        guard case .up(let current, _) = phase, current === connection else { return }
        logger.warning("Redis did not answer in time; opening another connection")
        replace(connection, because: .notConnected("the server did not answer in time"))
        retire(connection)
    }

    private func retire(_ connection: Connection) {
        retired.append(connection)
        connection.retire()
        if retired.count > Self.retiredMax { retired.first?.end(.connectionLost(sent: true)) }
    }
}

// MARK: Connecting

extension Lane: ConnectionObserver {
    private func dial() {
        guard !isDialing else { return }
        switch phase {
        // A second connection beside one that is up would have no owner.
        case .closed, .up: return
        case .dialing, .down: break
        }
        isDialing = true
        attempt += 1
        let id = attempt
        loop.scheduleTask(in: TimeAmount(configuration.connectTimeout)) {
            self.giveUp(id)
        }
        dialer.dial(asksForWrites: hasMetReplica) { result in self.dialed(result, id) }
    }

    private func dialed(_ result: Result<Connection, RedisError>, _ id: Int) {
        switch result {
        case .failure(let error): attemptFailed(error, id)
        case .success(let connection):
            guard isDialing, id == attempt else { return connection.end(.closed) }
            if case .closed = phase {
                connection.end(.closed)
                return attemptFailed(.closed, id)
            }
            greeting = connection
            connection.open(observer: self)
        }
    }

    private func giveUp(_ id: Int) {
        guard isDialing, id == attempt else { return }
        let limit = configuration.connectTimeout
        let isTLS = greeting != nil && configuration.tls != nil
        let error = isTLS ? RedisError.tls(.noAnswer(after: limit)) : .connectTimeout(after: limit)
        // A connection that does not greet ends and reports the attempt as failed.
        if let greeting { greeting.end(error) } else { attemptFailed(error, id) }
    }

    private func attemptFailed(_ error: RedisError, _ id: Int) {
        guard isDialing, id == attempt else { return }
        isDialing = false
        greeting = nil
        if case .closed = phase { return settleClose() }
        rest(because: error)
    }

    func connectionIsReady(_ connection: Connection) {
        guard isDialing, connection === greeting else { return connection.end(.closed) }
        isDialing = false
        greeting = nil
        phase = .up(connection, since: .now())
        hasMetReplica = false
        gauge.connected()
        logger.info("connected to Redis", metadata: ["redis": "\(configuration)"])
        let now = NIODeadline.now()
        let calls = waiting
        waiting.removeAll()
        for call in calls {
            if call.isResolved { reject(call, .cancelled(sent: false)) } else { admit(call, now) }
        }
    }

    func connectionEnded(_ connection: Connection, because reason: RedisError) {
        if connection === greeting { return attemptFailed(reason, attempt) }
        retired.removeAll { $0 === connection }
        if case .up(let current, _) = phase, current === connection {
            logger.warning("lost Redis", metadata: ["reason": "\(reason)"])
            replace(connection, because: reason)
        }
        settleClose()
    }

    /// The connection in use is gone or suspect: dial at once, or rest first when it was
    /// short-lived.
    private func replace(_ connection: Connection, because reason: RedisError) {
        guard case .up(_, let since) = phase else { return }
        gauge.disconnected(reason.asUnavailable)
        if NIODeadline.now() - since >= Self.steady {
            backoff.reset()
            phase = .dialing
            dial()
        } else {
            rest(because: reason)
        }
    }

    private func rest(because error: RedisError) {
        let reason = error.asUnavailable
        var random = SystemRandomNumberGenerator()
        let rest = backoff.fail(using: &random)
        phase = .down(reason)
        gauge.disconnected(reason)
        logger.warning(
            "cannot use Redis; trying again",
            metadata: ["reason": "\(reason)", "rest_ms": "\(rest.nanoseconds / 1_000_000)"])
        rejectWaiting(reason)
        loop.scheduleTask(in: rest) { self.dial() }
    }

    func connectionAnswered(_ call: Call) {
        onReply?((NIODeadline.now() - call.began).nanoseconds)
    }

    func connectionFlushed(commands: Int) { gauge.flushed(commands: commands) }

    func connectionReleased(count: Int, size: Int) { intake.release(count: count, size: size) }
}

// MARK: Writes refused

extension Lane {
    /// A demoted server may keep its address for ever, or lose it to the new primary: only dialling
    /// tells.
    /// It always rests first, or calls would dial as fast as they come.
    func connectionMetReplica(_ connection: Connection, _ error: RedisServerError) {
        guard case .up(let current, let since) = phase, current === connection else { return }
        if NIODeadline.now() - since >= Self.steady { backoff.reset() }
        hasMetReplica = true
        gauge.refused(error)
        rest(because: .metReplica(error))
        retire(connection)
    }

    func connectionIsRefused(_ connection: Connection, _ error: RedisServerError) {
        guard case .up(let current, _) = phase, current === connection else { return }
        logger.warning("Redis takes no writes", metadata: ["code": "\(error)"])
        gauge.refused(error)
        askLater()
    }

    func connectionIsServedAgain(_ connection: Connection) {
        guard case .up(let current, _) = phase, current === connection else { return }
        logger.info("Redis takes writes again")
        gauge.servedAgain()
    }

    private func askLater() {
        guard !isToAsk else { return }
        isToAsk = true
        loop.scheduleTask(in: Self.questionPause) { self.ask() }
    }

    /// A worker that says it is not ready is sent nothing, so it cannot wait for a caller to find
    /// out.
    private func ask() {
        isToAsk = false
        guard gauge.isRefused, case .up(let connection, _) = phase else { return }
        let call = Call(WriteRefusal.question, timeout: configuration.commandTimeout)
        if intake.reserve(count: 1, size: call.bytes) == nil {
            connection.send(call)
            watch(call.deadline)
        }
        askLater()
    }
}

// MARK: Closing

extension Lane {
    /// Rejects waiting calls, lets sent ones end by reply or deadline, then calls `done`.
    func close(_ done: @escaping @Sendable () -> Void) {
        loop.execute {
            self.whenClosed.append(done)
            self.drain()
            if case .up(let connection, _) = self.phase { self.retired.append(connection) }
            self.phase = .closed
            self.gauge.disconnected(.closed)
            self.rejectWaiting(.closed)
            for connection in self.retired { connection.finish() }
            self.greeting?.end(.closed)
            self.settleClose()
        }
    }

    private func settleClose() {
        guard case .closed = phase, retired.isEmpty, !isDialing else { return }
        let waiters = whenClosed
        whenClosed = []
        for waiter in waiters { waiter() }
    }
}
