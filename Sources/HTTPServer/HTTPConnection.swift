import NIOCore
import NIOHTTP1
import NIOTLS

/// One connection of a listener, from the first byte to the last.
///
/// 1. The decoder turns bytes into parts: a head, pieces of a body, an end. `RequestReader` turns
///    parts into one `APIRequest`, or into the problem to respond with.
/// 2. Each request gets a place in `ResponseQueue`. Responses leave in the order of these places
///    (RFC 9112, 9.3.2).
/// 3. A check goes to `direct`: many are in progress at once, and none starts a task. Any other
///    request goes to the router in its own task, and no other request starts beside it.
/// 4. Responses that are ready in one turn of the event loop leave in one write.
/// 5. When the queue is full, or the client does not read, the server reads nothing more from the
///    socket.
/// 6. `RequestClock` closes a connection that waits too long for its client. The server's own time
///    does not count.
/// 7. To bytes that are not HTTP it responds with 400 or 431, after the responses that are still
///    due. Then the connection ends.
/// 8. `Leave`, a client that closes its side, and `Connection: close` stop the reading. Started
///    requests finish.
/// 9. Before it closes with unread bytes, it closes its own side and waits, so that the last
///    response arrives.
/// 10. Everything happens on the connection's event loop, so there is no lock.
final class HTTPConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    private let router: Router
    private let direct: DirectResponder
    private let connections: OpenConnections
    private let hasHandshake: Bool
    private let clock: RequestClock
    private var reader: RequestReader
    private var queue = ResponseQueue()
    /// Whether the connection takes a further request.
    private var isTaking = true
    /// Inside a burst of parts: responses that are ready are written at its end.
    private var isInBurst = false
    private var isFlushDue = false
    /// Requests are starting: immediate responses are written after that.
    private var isStartingRequests = false
    /// The channel requested bytes while the queue was full.
    private var isReadHeld = false
    /// The client may still send bytes that the server does not read.
    private var isCutShort = false
    /// The clock runs for the rest of the request that is arriving.
    private var isRestTimed = false
    /// The last response has left.
    private var isOver = false
    private var isGone = false

    init(
        _ router: Router, direct: DirectResponder, times: RequestClock.Times, hasHandshake: Bool,
        among connections: OpenConnections, bodies: BodyBudget
    ) {
        (self.router, self.direct) = (router, direct)
        reader = RequestReader(bodies)
        (self.connections, self.hasHandshake) = (connections, hasHandshake)
        clock = RequestClock(times) { $0.close(promise: nil) }
    }

    // MARK: Start and end

    func handlerAdded(context: ChannelHandlerContext) {
        guard connections.add(context.channel) else {
            context.close(promise: nil)
            return
        }
        if hasHandshake { clock.waitForRest(context) } else { clock.waitForHead(context) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        close(context)
        context.fireChannelInactive()
    }

    /// Called for a connection that never became active, too.
    func handlerRemoved(context: ChannelHandlerContext) {
        close(context)
    }

    private func close(_ context: ChannelHandlerContext) {
        (isGone, isTaking) = (true, false)
        clock.stop()
        reader.fail()
        leaveIfDone(context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is OpenConnections.Leave, ChannelEvent.inputClosed:
            isTaking = false
            if queue.isEmpty { context.close(promise: nil) } else { queue.last.form.isLast = true }
        case TLSUserEvent.handshakeCompleted: clock.waitForHead(context)
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// Responds to bytes that are not HTTP, after the responses that are still due; any other error
    /// ends the connection.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isOver else { return }
        guard let error = error as? HTTPParserError else {
            // Errors after bytes that are not HTTP say nothing new.
            if !(error is ByteToMessageDecoderError) { context.close(promise: nil) }
            return
        }
        let isNew = !reader.isArriving
        reader.fail()
        guard isTaking || !isNew else { return }
        (isTaking, isCutShort) = (false, true)
        if isNew { queue.append(ResponseForm()) }
        guard !queue.isEmpty else {
            context.close(promise: nil)
            return
        }
        queue.last.form.isLast = true
        if queue.last.response == nil, !queue.lastIsInWork {
            let problem: Problem = error == .headerOverflow ? .headTooLarge : .noHTTP
            queue.last.response = problem.response
        }
        flush(context)
    }

    private func leaveIfDone(_ context: ChannelHandlerContext) {
        if isGone, queue.inWork == 0 { connections.remove(context.channel) }
    }

    // MARK: Requests

    /// Back-pressure: while the queue is full, or the client reads no responses, the server reads
    /// nothing.
    func read(context: ChannelHandlerContext) {
        if !isOver, queue.isFull || !context.channel.isWritable {
            isReadHeld = true
            setClock(context)
        } else {
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        resume(context)
        context.fireChannelWritabilityChanged()
    }

    private func resume(_ context: ChannelHandlerContext) {
        guard isReadHeld, !queue.isFull, context.channel.isWritable else { return }
        isReadHeld = false
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isInBurst = true
        switch unwrapInboundIn(data) {
        case .head(let head):
            // Bytes after the last request are dropped.
            guard isTaking else { return }
            let step = reader.begin(head, most: router.bodyBytesMax)
            queue.append(reader.form)
            isRestTimed = false
            if reader.form.isLast { isTaking = false }
            take(step, context)
        case .body(let bytes): take(reader.add(bytes), context)
        case .end: take(reader.end(), context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if isInBurst {
            isInBurst = false
            flush(context)
        }
        context.fireChannelReadComplete()
    }

    private func take(_ step: RequestReader.Step, _ context: ChannelHandlerContext) {
        switch step {
        case .nothing: break
        case .goOn: queue.last.awaitsContinue = true
        case .ask(let request):
            queue.last.request = request
            queue.last.awaitsContinue = false
            begin(context)
        case .refuse(let problem):
            queue.last.response = problem.response
            queue.last.form.isLast = true
            queue.last.awaitsContinue = false
            (isTaking, isCutShort) = (false, true)
        case .abandon: context.close(promise: nil)
        }
    }

    /// Requests for `direct` run side by side and start in order. Every other request runs alone.
    private func begin(_ context: ChannelHandlerContext) {
        guard !isStartingRequests else { return }
        isStartingRequests = true
        defer { isStartingRequests = false }
        while let (number, request) = queue.upNext() {
            if let work = direct.work(request) {
                queue.begin(alone: false)
                start(work, number, context)
            } else if queue.inWork == 0 {
                queue.begin(alone: true)
                ask(request, number, context)
            } else {
                return
            }
        }
    }

    /// Without a task: the response comes in this turn of the loop or a later one.
    private func start(
        _ work: DirectResponder.Work, _ number: Int, _ context: ChannelHandlerContext
    ) {
        let connection = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let loop = context.eventLoop
        work { response in
            if loop.inEventLoop {
                let (connection, context) = connection.value
                connection.take(response, number, context)
            } else {
                loop.execute {
                    let (connection, context) = connection.value
                    connection.take(response, number, context)
                }
            }
        }
    }

    private func ask(_ request: APIRequest, _ number: Int, _ context: ChannelHandlerContext) {
        let connection = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let (router, loop) = (router, context.eventLoop)
        Task {
            let response = await router.respond(to: request)
            loop.execute {
                let (connection, context) = connection.value
                connection.take(response, number, context)
            }
        }
    }

    // MARK: Responses

    private func take(_ response: APIResponse, _ number: Int, _ context: ChannelHandlerContext) {
        queue.respond(number, response)
        guard !isGone else {
            leaveIfDone(context)
            return
        }
        guard !isInBurst, !isFlushDue, !isStartingRequests else { return }
        if queue.inWork == 0 {
            flush(context)
        } else {
            // More responses may come in this turn of the loop.
            isFlushDue = true
            context.eventLoop.assumeIsolated().execute { [self] in
                isFlushDue = false
                flush(context)
            }
        }
    }

    private func flush(_ context: ChannelHandlerContext) {
        guard !isGone, !isOver else { return }
        repeat {
            if queue.isReady { write(context) }
            if isOver { return end(context) }
            begin(context)
        } while queue.isReady
        setClock(context)
        resume(context)
    }

    /// Writes all responses that are ready, at once.
    private func write(_ context: ChannelHandlerContext) {
        var bytes = context.channel.allocator.buffer(capacity: 1_024)
        while !isOver, let (response, form) = queue.takeAnswered() {
            response.write(form, into: &bytes)
            isOver = form.isLast
        }
        if !isOver, queue.takeContinue() {
            bytes.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
        }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    private func setClock(_ context: ChannelHandlerContext) {
        if reader.isArriving, queue.isFull {
            // Bytes that the server has not read yet cannot be late.
            clock.pause()
            isRestTimed = false
        } else if reader.isArriving {
            if !isRestTimed { clock.waitForRest(context) }
            isRestTimed = true
        } else if queue.isEmpty {
            clock.waitForHead(context)
        } else {
            clock.pause()
        }
    }

    private func end(_ context: ChannelHandlerContext) {
        isTaking = false
        // TLS ends with its own alert, and waits for it.
        guard reader.isArriving || isCutShort, !hasHandshake else {
            context.close(promise: nil)
            return
        }
        // With unread bytes, a close would send a reset, and the client might lose the response.
        clock.waitForEnd(context)
        context.close(mode: .output, promise: nil)
    }
}
