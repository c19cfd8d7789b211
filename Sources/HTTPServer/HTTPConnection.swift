import NIOCore
import NIOHTTP1
import NIOTLS

/// One connection of a listener, from the first byte to the last.
///
/// 1. The decoder makes bytes into parts: a head, pieces of a body, an end. `RequestReader` makes parts into one
///    `APIRequest`, or into the problem to answer with.
/// 2. Each request gets a place in `ResponseQueue`. Responses leave in the order of these places (RFC 9112, 9.3.2).
/// 3. A check goes to `direct`: many are in work at once, and none starts a task. Any other request goes to the
///    router in a task of its own, and nothing is begun beside it.
/// 4. Responses that are ready in one turn of the event loop leave in one write.
/// 5. When the queue is full, or the client does not read, nothing more is read from the socket.
/// 6. `RequestClock` closes a connection that waits too long for its client. Our own time to answer does not count.
/// 7. Bytes that are no HTTP are answered with 400 or 431 after the responses that are still due; then it ends.
/// 8. `Leave`, a client that closes its side, and `Connection: close` stop the reading. What is begun is answered.
/// 9. Before it closes with unread bytes, it closes its own side and waits, so that the last response arrives.
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
    /// Whether a further request would be answered.
    private var isTaking = true
    /// Inside a burst of parts: what is ready is written at its end.
    private var isInBurst = false
    private var isFlushDue = false
    /// Requests are being begun: what is answered at once is written after that.
    private var isBeginning = false
    /// The channel asked for bytes when there was no room for another request.
    private var isReadHeld = false
    /// The client may still send what we do not read to its end.
    private var isCutShort = false
    /// The clock runs for the rest of the request that is arriving.
    private var isRestTimed = false
    /// The last answer has left.
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

    // MARK: Begin and end

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

    /// Comes for a connection too that never became active.
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

    /// What is no HTTP is told so, behind the answers that are still due; anything else ends the connection.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isOver else { return }
        guard let error = error as? HTTPParserError else {
            // What comes after bytes that are no HTTP is no news.
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

    /// Back-pressure: while there is no room for another request, or the client takes no answers, nothing is read.
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
            // What follows the last request is nobody's.
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

    /// What `direct` answers goes side by side; it is begun in the order of the requests. Everything else goes alone.
    private func begin(_ context: ChannelHandlerContext) {
        guard !isBeginning else { return }
        isBeginning = true
        defer { isBeginning = false }
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

    // MARK: Answers

    private func take(_ response: APIResponse, _ number: Int, _ context: ChannelHandlerContext) {
        queue.respond(number, response)
        guard !isGone else {
            leaveIfDone(context)
            return
        }
        guard !isInBurst, !isFlushDue, !isBeginning else { return }
        if queue.inWork == 0 {
            flush(context)
        } else {
            // More answers may come in this turn of the loop.
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

    /// All that is ready, at once.
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
            // What is not read, because we are behind, cannot be late.
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
        // TLS ends with a word of its own, for which it waits.
        guard reader.isArriving || isCutShort, !hasHandshake else {
            context.close(promise: nil)
            return
        }
        // Closed with bytes unread, the system would tell the client of a reset, and it might lose the answer.
        clock.waitForEnd(context)
        context.close(mode: .output, promise: nil)
    }
}
