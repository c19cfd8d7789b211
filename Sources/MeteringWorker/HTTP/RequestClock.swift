import NIOCore
import NIOHTTPTypes

/// Closes a connection whose request does not arrive whole in time, however slowly it trickles.
///
/// A head must come within `idle` of the connection's start or of the last answer, the rest of the request
/// within `request` of its head, whether or not requests before it, or it itself, are answered meanwhile.
/// The time that we take to answer does not count.
final class RequestClock: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let idle: TimeAmount
    private let request: TimeAmount
    private var alarm: Scheduled<Void>?
    /// A request has begun to come and has not ended.
    private var isArriving = false
    /// Requests that began to come and are not answered whole.
    private var unanswered = 0

    init(idle: TimeAmount, request: TimeAmount) {
        self.idle = idle
        self.request = request
    }

    func handlerAdded(context: ChannelHandlerContext) {
        restart(idle, context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        alarm?.cancel()
    }

    func channelInactive(context: ChannelHandlerContext) {
        alarm?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            (isArriving, unanswered) = (true, unanswered + 1)
            restart(request, context)
        case .body: break
        case .end:
            isArriving = false
            if unanswered == 0 { restart(idle, context) } else { alarm?.cancel() }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) {
            unanswered -= 1
            if !isArriving, unanswered == 0 { restart(idle, context) }
        }
        context.write(data, promise: promise)
    }

    private func restart(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        alarm?.cancel()
        alarm = context.eventLoop.assumeIsolated().scheduleTask(in: time) {
            context.close(promise: nil)
        }
    }
}
