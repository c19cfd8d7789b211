public import Logging
public import NIOCore
import NIOPosix
import Synchronization

/// Called once with the outcome of a sent command whose caller already has an error.
///
/// `.success` is the late reply: the command ran. `.failure` means that it will never be known.
public typealias RedisLateReply = @Sendable (Result<RedisReply, RedisError>) -> Void

/// Called for each reply with the nanoseconds since the call began, on an event loop, which it must
/// not block.
public typealias RedisReplyTime = @Sendable (Int64) -> Void

/// A client of one Redis server: commands from any number of tasks share a few connections.
///
/// Commands of the same event loop tick leave in one write and their replies are matched by order,
/// so concurrent callers pipeline by themselves. Commands sent one after the other by one task run
/// in that order; those of concurrent tasks run in any order. Nothing is sent twice: whether to try
/// again is the caller's decision, and ``RedisError/mayHaveRun`` says what it risks.
///
/// Connecting starts at once and continues until ``close()`` or until the last reference to the
/// client is gone.
public final class RedisClient: Sendable {
    private let configuration: RedisConfiguration
    private let lanes: [Lane]
    private let turn = Atomic<Int>(0)

    /// - Parameter eventLoopGroup: Must outlive the client.
    public init(
        configuration: RedisConfiguration, eventLoopGroup: any EventLoopGroup, logger: Logger,
        onReply: RedisReplyTime? = nil
    ) {
        self.configuration = configuration
        let loops = Array(eventLoopGroup.makeIterator())
        lanes = (0..<max(1, configuration.connections ?? loops.count)).map { index in
            Lane(configuration, loop: loops[index % loops.count], logger: logger, onReply: onReply)
        }
        for lane in lanes { lane.start() }
    }

    /// Sends one command and waits for its reply.
    ///
    /// - Parameters:
    ///   - timeout: From now to the reply, at most a day; the configuration's `commandTimeout`
    ///     unless given.
    ///   - late: Called exactly once, within 30 s and on an event loop, when this throws
    ///     `.deadline(sent: true)` or `.cancelled(sent: true)`.
    /// - Returns: The reply. An error reply is a reply.
    /// - Throws: Why there is no reply.
    public func send(
        _ command: RedisCommand, timeout: Duration? = nil, late: RedisLateReply? = nil
    ) async throws(RedisError) -> RedisReply {
        guard !Task.isCancelled else { throw .cancelled(sent: false) }
        let lane = chooseLane()
        let timeout = timeout ?? configuration.commandTimeout
        let call = Call(command, timeout: timeout, late: late)
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                call.expect(.task(continuation))
                lane.submit(call)
            }
        } onCancel: {
            lane.cancel(call)
        }
        return try answer.get()
    }

    /// Sends commands back to back on one connection, nothing of others between them.
    ///
    /// - Returns: One reply for each command, in order.
    /// - Throws: The first failure. `.queueFull` means that none was sent; for all others
    ///   ``RedisError/mayHaveRun`` speaks of the first failed command, and those before it did run.
    public func send(
        pipeline commands: [RedisCommand], timeout: Duration? = nil
    ) async throws(RedisError) -> [RedisReply] {
        guard !Task.isCancelled else { throw .cancelled(sent: false) }
        guard !commands.isEmpty else { return [] }
        let lane = chooseLane()
        let timeout = timeout ?? configuration.commandTimeout
        let calls = commands.map { Call($0, timeout: timeout) }
        let answers = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let collector = Collector(count: calls.count, continuation)
                for (index, call) in calls.enumerated() {
                    call.expect(.handler { collector.take($0, at: index) })
                }
                lane.submit(calls)
            }
        } onCancel: {
            for call in calls { lane.cancel(call) }
        }
        var replies: [RedisReply] = []
        replies.reserveCapacity(answers.count)
        for answer in answers { replies.append(try answer.get()) }
        return replies
    }

    /// Sends one command without a task; `then` gets the reply on an event loop and must not block
    /// it.
    ///
    /// Called on an event loop of the group, the command stays on that loop and `then` runs there.
    public func submit(
        _ command: RedisCommand, timeout: Duration? = nil, late: RedisLateReply? = nil,
        then answer: @escaping @Sendable (Result<RedisReply, RedisError>) -> Void
    ) {
        let call = Call(command, timeout: timeout ?? configuration.commandTimeout, late: late)
        call.expect(.handler(answer))
        chooseLane().submit(call)
    }

    /// Sends a call on one key together with those that wait at the same time on the same
    /// connection.
    ///
    /// - Parameter path: The connection, 0..<``connections``; see ``choosePath()``.
    public func submit(_ call: any RedisKeyedCall, on path: Int, timeout: Duration? = nil) {
        lanes[path % lanes.count].submit(
            Call(call, timeout: timeout ?? configuration.commandTimeout))
    }

    /// The connection that a call should take now.
    ///
    /// A caller on an event loop of a connection gets that one, so that its reply arrives on the
    /// same loop. Other callers fill one connection before they take the next, because fuller
    /// commands cost less.
    public func choosePath() -> Int {
        if lanes.count == 1 { return 0 }
        if let here = laneOfThisLoop() { return here }
        let isFree = { (lane: Lane) in lane.gauge.isUp && lane.intake.count < Self.crowd }
        if let free = lanes.firstIndex(where: isFree) { return free }
        let next = chooseLane()
        return lanes.firstIndex { $0 === next } ?? 0
    }

    /// Calls that wait for one connection before callers without an event loop take the next:
    /// sixteen full commands.
    private static let crowd = 16 * Gathering.keysMax

    /// Connections in all, up or not.
    public var connections: Int { lanes.count }

    /// Rejects new commands, lets those already sent end by reply or deadline, then disconnects.
    public func close() async {
        await withTaskGroup { group in
            for lane in lanes {
                group.addTask {
                    await withCheckedContinuation { done in lane.close { done.resume() } }
                }
            }
        }
    }

    deinit {
        for lane in lanes { lane.close {} }
    }
}

extension RedisClient {
    /// Whether a command sent now would go out at once.
    public var isConnected: Bool { lanes.contains(where: \.gauge.isUp) }

    /// Whether the server takes writes: a connection is up, and none found that the server is a
    /// replica (READONLY, MASTERDOWN), cannot persist (MISCONF), lacks replicas (NOREPLICAS), or
    /// answers no client (LOADING, BUSY).
    ///
    /// True again with the first good reply to a command of the refused kind, or, when no caller
    /// sends one, as soon as the client finds out by itself, testing every second.
    public var isServing: Bool { isConnected && !lanes.contains(where: \.gauge.isRefused) }

    public var health: RedisHealth { RedisHealth(lanes) }

    /// The lane of the event loop we are on, else the next one that is up.
    private func chooseLane() -> Lane {
        if lanes.count == 1 { return lanes[0] }
        if let here = laneOfThisLoop() { return lanes[here] }
        let first = turn.wrappingAdd(1, ordering: .relaxed).newValue & Int.max
        for offset in 0..<lanes.count {
            let lane = lanes[(first % lanes.count + offset) % lanes.count]
            if lane.gauge.isUp { return lane }
        }
        return lanes[first % lanes.count]
    }

    /// The lane of the event loop we are on, when it is up.
    private func laneOfThisLoop() -> Int? {
        guard let here = MultiThreadedEventLoopGroup.currentEventLoop else { return nil }
        return lanes.firstIndex { $0.loop === here && $0.gauge.isUp }
    }
}
