import NIOCore
import NIOHTTP1

/// Gives every request after which the connection ends the same word for it, so that the server sees it.
///
/// HTTP/1.0 ends a connection without being asked to, and names of options are free in their case.
final class LastRequest: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data), !head.isKeepAlive else {
            context.fireChannelRead(data)
            return
        }
        head.headers.replaceOrAdd(name: "Connection", value: "close")
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    /// Puts a `LastRequest` right behind the decoder: later handlers do not learn the version any more.
    final class Installer: ChannelInboundHandler, RemovableChannelHandler {
        typealias InboundIn = NIOAny

        func handlerAdded(context: ChannelHandlerContext) {
            let pipeline = context.pipeline.syncOperations
            do {
                let decoder = try pipeline.handler(
                    type: ByteToMessageHandler<HTTPRequestDecoder>.self)
                try pipeline.addHandler(LastRequest(), position: .after(decoder))
            } catch {
                // Without it connections of old clients would hang, so there is none.
                context.close(promise: nil)
            }
        }
    }
}
