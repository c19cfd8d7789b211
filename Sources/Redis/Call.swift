import NIOCore

/// One command in flight: its bytes, its deadline, and the caller that waits for the reply.
///
/// `@unchecked Sendable`: the constants and `waiter` are set before the call is handed to its lane,
/// and from then on every variable is read and written on that lane's event loop alone.
final class Call: @unchecked Sendable {
    typealias Answer = Result<RedisReply, RedisError>

    /// The state of a call: with its caller, in the lane's queue, on a connection, over.
    enum Stage { case new, waiting, sent, done }

    enum Waiter {
        case noCaller
        case task(CheckedContinuation<Answer, Never>)
        case handler(@Sendable (Answer) -> Void)
        case keyed(any RedisKeyedCall)

        func tell(_ answer: Answer) {
            switch self {
            case .noCaller: break
            case .task(let continuation): continuation.resume(returning: answer)
            case .handler(let handler): handler(answer)
            case .keyed(let call): call.finish(answer)
            }
        }
    }

    /// What goes out by itself, or with other calls on keys.
    enum Content {
        case command(RedisCommand)
        case keyed(any RedisKeyedCall)
    }

    let content: Content
    /// The most bytes that this call adds to what is sent.
    let bytes: Int
    let timeout: Duration
    let began = NIODeadline.now()
    let deadline: NIODeadline
    private let late: RedisLateReply?

    private var waiter = Waiter.noCaller
    private(set) var stage = Stage.new
    /// Whether the caller has its result. The server may still owe the reply.
    private(set) var isResolved = false
    /// Whether the deadline passed while the call was sent, so that it is noticed once.
    private(set) var isOverdue = false
    /// Whether the caller left before the call reached the lane.
    private(set) var isCancelled = false
    private var owesLate = false

    init(_ command: RedisCommand, timeout: Duration, late: RedisLateReply? = nil) {
        content = .command(command)
        bytes = command.encodedBytesMax
        self.timeout = timeout
        deadline = began + TimeAmount(timeout)
        self.late = late
    }

    init(_ keyed: any RedisKeyedCall, timeout: Duration) {
        content = .keyed(keyed)
        waiter = .keyed(keyed)
        // A key and an argument, each with `$`, its length and two line ends.
        bytes = 48 + keyed.key.count + keyed.argumentBytesMax
        self.timeout = timeout
        deadline = began + TimeAmount(timeout)
        late = nil
    }

    var keyed: (any RedisKeyedCall)? {
        guard case .keyed(let keyed) = content else { return nil }
        return keyed
    }

    /// The name of the command that carries this call.
    var commandName: String {
        switch content {
        case .command(let command): command.name
        case .keyed(let keyed): keyed.function.command
        }
    }

    /// Whether the client itself sent it, to test whether the server accepts writes again.
    var isQuestion: Bool {
        guard case .command(let command) = content else { return false }
        return command == WriteRefusal.question
    }

    /// Sets the observer; call it before the call is handed over.
    func expect(_ waiter: Waiter) { self.waiter = waiter }

    /// Rejects the call on its caller's own thread, before any lane has seen it.
    func refuse(_ error: RedisError) { waiter.tell(.failure(error)) }

    func beginWaiting() { stage = .waiting }
    func beginSent() { stage = .sent }

    /// The end of the call: its reply, or why there will be none.
    func finish(_ answer: Answer) {
        stage = .done
        if !isResolved {
            tell(answer)
        } else if owesLate {
            owesLate = false
            late?(answer)
            keyed?.finishLate(answer)
        }
    }

    /// The caller's task was cancelled.
    func cancel() {
        switch stage {
        case .new: isCancelled = true
        case .waiting: abandon(.cancelled(sent: false))
        case .sent: abandon(.cancelled(sent: true))
        case .done: break
        }
    }

    /// The deadline passed. The caller gets the error now; a reply to a sent call is `late`.
    func expire() {
        isOverdue = true
        abandon(.deadline(after: timeout, sent: stage == .sent))
    }

    private func abandon(_ error: RedisError) {
        guard !isResolved else { return }
        owesLate = stage == .sent
        tell(.failure(error))
    }

    private func tell(_ answer: Answer) {
        isResolved = true
        waiter.tell(answer)
        waiter = .noCaller
    }
}

extension TimeAmount {
    /// The longest wait, so that a deadline never overflows the clock.
    private static let longest = Duration.seconds(86_400)

    /// Whole nanoseconds in 0...1 day; what lies outside becomes the nearer end.
    init(_ duration: Duration) {
        let (seconds, attoseconds) = min(max(duration, .zero), Self.longest).components
        self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
