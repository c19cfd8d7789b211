import NIOCore

/// One socket to Redis: writes what is sent in one tick as one flush, matches replies in order.
///
/// `@unchecked Sendable`: apart from the constants everything is read and written on the channel's
/// event loop alone.
final class Connection: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// `retired` takes no new calls and reads on; `finishing` does so only while someone waits.
    private enum Phase { case opening, ready, retired, finishing, ended }

    /// How long a retired connection is read on for late replies.
    static let readOn = TimeAmount.seconds(30)

    private let parser: ReplyParser
    private var greeting: Greeting
    private var observer: (any ConnectionObserver)?
    private var context: ChannelHandlerContext?
    private var phase = Phase.opening
    /// The replies that the server still has to send, in the order of the commands.
    private var pending: CircularBuffer<PendingReply> = []
    private var gathering = Gathering()
    private var outgoing = ByteBuffer()
    /// How many of `pending` were not written yet, and how many calls these are.
    private var unflushed = 0
    private var flushIsComing = false
    private var failure: RedisError?
    private var refusal: WriteRefusal?
    private let isEncrypted: Bool

    /// - Parameter asksForWrites: Whether the greeting ends with ``WriteRefusal/question``, so that
    ///   a replica is turned down before it is used.
    init(_ configuration: RedisConfiguration, asksForWrites: Bool) throws(RedisError) {
        guard let parser = ReplyParser(limits: ReplyLimits(configuration)) else {
            throw .notConnected("no memory for a reader")
        }
        self.parser = parser
        greeting = Greeting(configuration, asksForWrites: asksForWrites)
        isEncrypted = configuration.tls != nil
    }

    /// Sends the greeting. The observer receives
    /// ``ConnectionObserver/connectionIsReady(_:)`` or the end.
    func open(observer: any ConnectionObserver) {
        guard phase == .opening, let context else {
            observer.connectionEnded(self, because: failure ?? .connectionLost(sent: false))
            return
        }
        self.observer = observer
        greeting.write(into: &outgoing)
        context.writeAndFlush(wrapOutboundOut(outgoing), promise: nil)
        outgoing.clear()
    }

    /// Puts a call into this tick's flush.
    func send(_ call: Call) {
        switch call.content {
        case .keyed:
            call.beginWaiting()
            gathering.add(call)
        case .command(let command):
            // What came before goes before.
            encodeGathered()
            call.beginSent()
            command.encode(into: &outgoing)
            expectReply(.one(call))
        }
        guard !flushIsComing else { return }
        flushIsComing = true
        context?.eventLoop.execute { self.flush() }
    }

    private func encodeGathered() {
        for run in gathering.takeRuns() {
            for call in run { call.beginSent() }
            Gathering.encode(run, into: &outgoing)
            expectReply(.many(run))
        }
    }

    private func expectReply(_ reply: PendingReply) {
        pending.append(reply)
        unflushed += 1
    }

    private func flush() {
        flushIsComing = false
        guard let context, phase != .ended else { return }
        encodeGathered()
        guard unflushed > 0 else { return }
        context.writeAndFlush(wrapOutboundOut(outgoing), promise: nil)
        observer?.connectionFlushed(commands: unflushed)
        unflushed = 0
        // The channel holds the old bytes until they are written, so the next tick gets new ones.
        outgoing = context.channel.allocator.buffer(capacity: min(outgoing.readableBytes, 64 << 10))
    }

    /// Tells callers whose deadline passed.
    /// - Returns: Whether there was one, and the next deadline to watch.
    func expire(_ now: NIODeadline) -> (found: Bool, next: NIODeadline?) {
        var found = false
        var next: NIODeadline?
        for reply in pending {
            reply.forEach { call in
                guard !call.isOverdue else { return }
                if call.deadline <= now {
                    call.expire()
                    found = true
                } else {
                    next = min(next ?? call.deadline, call.deadline)
                }
            }
        }
        if found { closeIfFinished() }
        return (found, next)
    }

    /// Takes no more calls, reads on for late replies, then closes.
    func retire() {
        guard phase == .ready, let context else { return }
        encodeGathered()
        phase = .retired
        // What a suspect connection still owes must not keep the next one from taking calls.
        release(pending)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.readOn) { [weak self] in
            self?.end(.connectionLost(sent: true))
        }
        closeIfFinished()
    }

    /// Closes as soon as no caller waits for a reply any more.
    func finish() {
        retire()
        if phase == .opening { return end(.closed) }
        guard phase == .retired else { return }
        phase = .finishing
        closeIfFinished()
    }

    private func closeIfFinished() {
        switch phase {
        case .retired where pending.isEmpty: end(.connectionLost(sent: true))
        case .finishing where pending.allSatisfy(\.isResolved): end(.connectionLost(sent: true))
        default: break
        }
    }

    /// Ends the connection now: finishes every call, tells the observer, closes the channel.
    func end(_ reason: RedisError) {
        guard phase != .ended else { return }
        let wasCounted = phase == .ready
        phase = .ended
        failure = reason
        encodeGathered()
        let replies = pending
        pending.removeAll()
        if wasCounted { release(replies) }
        let flushed = replies.count - unflushed
        for reply in replies.prefix(flushed) { reply.fail(reason) }
        for reply in replies.dropFirst(flushed) { reply.fail(.connectionLost(sent: false)) }
        context?.close(promise: nil)
        observer?.connectionEnded(self, because: reason)
        observer = nil
    }

    private func release(_ replies: some Sequence<PendingReply>) {
        let (count, size) = replies.reduce((0, 0)) { ($0.0 + $1.count, $0.1 + $1.bytes) }
        observer?.connectionReleased(count: count, size: size)
    }
}

extension Connection {
    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(.connectionLost(sent: true))
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase != .ended else { return }
        let refusal = unwrapInboundIn(data).withUnsafeReadableBytes { bytes in
            parser.feed(bytes) { receive($0) }
        }
        if let refusal { end(refusal) }
    }

    func channelReadComplete(context: ChannelHandlerContext) { closeIfFinished() }

    func channelInactive(context: ChannelHandlerContext) { lose(because: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { lose(because: error) }

    /// A server that rejects the client's certificate may say so, or just hang up, after the
    /// client's side of the handshake is done; so everything before the first reply counts as part
    /// of it.
    private func lose(because error: (any Error)?) {
        guard phase == .opening else { return end(.connectionLost(sent: true)) }
        if isEncrypted {
            end(.tls(error.flatMap(RedisTLSProblem.init) ?? .hungUp))
        } else {
            end(
                .notConnected(
                    "the server hung up before its first reply; a TLS port needs rediss://"))
        }
    }

    private func receive(_ reply: RedisReply) {
        if phase == .opening { return greeted(reply) }
        guard phase != .ended else { return }
        guard let expected = pending.popFirst() else {
            return end(.protocolViolation("a reply to no command"))
        }
        if phase == .ready {
            observer?.connectionReleased(count: expected.count, size: expected.bytes)
            // Before the caller is resumed: its next command must not go to a server just found
            // wanting.
            judge(reply, to: expected.first)
        }
        if let first = expected.first { observer?.connectionAnswered(first) }
        expected.finish(reply)
    }

    private func judge(_ reply: RedisReply, to call: Call?) {
        guard let call else { return }
        if case .error(let error) = reply {
            if error.isFromReplica {
                observer?.connectionMetReplica(self, error)
            } else if error.refusesWrites {
                refuse(WriteRefusal(error: error, command: call.commandName))
            } else if call.isQuestion {
                // An ACL may forbid the question; then the next write will tell.
                serveAgain()
            }
        } else if refusal?.ends(withReplyTo: call) == true {
            serveAgain()
        }
    }

    private func refuse(_ new: WriteRefusal) {
        // The question is refused as well, and must not replace the command that is waited for.
        guard refusal?.error.code != new.error.code else { return }
        refusal = new
        observer?.connectionIsRefused(self, new.error)
    }

    private func serveAgain() {
        guard refusal != nil else { return }
        refusal = nil
        observer?.connectionIsServedAgain(self)
    }

    private func greeted(_ reply: RedisReply) {
        if let refusal = greeting.accept(reply) { return end(refusal) }
        guard greeting.isOver else { return }
        phase = .ready
        observer?.connectionIsReady(self)
        if let refusal = greeting.refusal { refuse(refusal) }
    }
}
