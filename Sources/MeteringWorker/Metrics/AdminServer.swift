import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes
import NIOPosix
import ServiceLifecycle

/// The listener for whoever looks after the worker: `/metrics`, `/healthz`, `/readyz`. It takes no keys, so it is
/// on loopback unless somebody chose otherwise.
struct AdminServer: Service {
    static let connectionsMax = 64
    static let headerBytesMax = 16_384
    static let headerFieldsMax = 64
    /// A whole request must come within this of the connection's start, or of the answer before it.
    static let patience: TimeAmount = .seconds(60)

    let settings: WorkerSettings.Admin
    private let application: Application<AdminRoutes>

    /// - Parameter onListening: Told the port once requests are accepted.
    init(
        _ routes: AdminRoutes, settings: WorkerSettings.Admin, group: MultiThreadedEventLoopGroup,
        logger: Logger, patience: TimeAmount = patience,
        onListening: @escaping @Sendable (Int) async -> Void
    ) {
        self.settings = settings
        let channel = HTTP1Channel.Configuration(
            additionalChannelHandlers: [AdminClock(patience)],
            idleTimeout: patience,
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: Self.headerBytesMax, maxHeaderListSize: Self.headerBytesMax,
                maxHeaderFieldCount: Self.headerFieldsMax))
        application = Application(
            responder: routes,
            server: .http1(configuration: channel),
            configuration: ApplicationConfiguration(
                address: .hostname(settings.host, port: settings.port), serverName: nil,
                backlog: 64,
                availableConnectionsDelegate: MaximumAvailableConnections(Self.connectionsMax)),
            onServerRunning: { channel in
                await onListening(channel.localAddress?.port ?? settings.port)
            },
            eventLoopGroupProvider: .shared(group), logger: logger)
    }

    func run() async throws {
        guard settings.isLoopback || settings.allowsPlaintext else {
            throw StartError.adminPlaintext(host: settings.host)
        }
        do { try await application.run() } catch {
            throw StartError(listening: settings, error) ?? error
        }
    }
}

/// Answers without reading a body, a query or a key.
struct AdminRoutes: HTTPResponder {
    typealias Context = BasicRequestContext

    let sources: MetricSources

    func respond(to request: Request, context: Context) async throws -> Response {
        let response = Response(answer(request.method, request.uri.path))
        // The fields of the answer without its bytes, which would be read as the next answer.
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(_ method: HTTPRequest.Method, _ path: String) -> APIResponse {
        let answer: () -> APIResponse
        switch path {
        case "/metrics":
            answer = {
                APIResponse(
                    status: 200, type: MetricText.contentType, bytes: Array(sources.page().utf8))
            }
        case "/healthz": answer = { APIResponse(status: 200, json: ["status": "alive"]) }
        case "/readyz": answer = { sources.readiness.response }
        default: return Problem.noSuchRoute.response
        }
        guard method == .get || method == .head else {
            return Problem.methodNotAllowed(["GET"]).response
        }
        return answer()
    }
}

/// Closes a connection on which no whole request comes in time, however slowly it trickles. The time that we take
/// to answer does not count.
private final class AdminClock: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let patience: TimeAmount
    private var alarm: Scheduled<Void>?

    init(_ patience: TimeAmount) { self.patience = patience }

    func handlerAdded(context: ChannelHandlerContext) { restart(context) }

    func handlerRemoved(context: ChannelHandlerContext) { alarm?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        alarm?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .end = unwrapInboundIn(data) { alarm?.cancel() }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { restart(context) }
        context.write(data, promise: promise)
    }

    private func restart(_ context: ChannelHandlerContext) {
        alarm?.cancel()
        alarm = context.eventLoop.assumeIsolated().scheduleTask(in: patience) {
            context.close(promise: nil)
        }
    }
}

extension Response {
    fileprivate init(_ answer: APIResponse) {
        var fields = HTTPFields()
        for (name, value) in answer.fields {
            // Every name is one of ours, so it is a valid one.
            if let name = HTTPField.Name(name) {
                fields.append(HTTPField(name: name, value: value))
            }
        }
        self.init(
            status: HTTPResponse.Status(code: answer.status), headers: fields,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
    }
}
