import NIOCore
import NIOHTTP1
import NIOPosix

/// One connection to a worker, on which checks go one after the other.
struct CheckConnection {
    private typealias Channel = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    struct Response: Sendable {
        let status: Int
        let body: [UInt8]
    }

    /// The connection ended, or was silent for too long, before the response was complete.
    struct NoResponse: Error, CustomStringConvertible {
        var description: String {
            "the worker closed a connection, or did not answer within \(CheckConnection.patience)"
        }
    }

    /// A check is answered within this.
    static let patience: Duration = .seconds(30)

    private let channel: any NIOCore.Channel
    private let key: String
    private var inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>

    /// Connects to a port of this machine, lends the connection, and closes it.
    static func lend<Result: Sendable>(
        port: Int, key: String, _ body: (inout CheckConnection) async throws -> Result
    ) async throws -> Result {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(.seconds(5))
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    return try Channel(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var connection = CheckConnection(
                channel: channel.channel, key: key, inbound: inbound.makeAsyncIterator(),
                outbound: outbound)
            return try await body(&connection)
        }
    }

    /// Sends one call of a clinic and returns the worker's response.
    mutating func check(_ clinic: DemoClinic) async throws -> Response {
        let alarm = channel.eventLoop.scheduleTask(in: TimeAmount(Self.patience)) { [channel] in
            channel.close(promise: nil)
        }
        defer { alarm.cancel() }
        let body = ByteBuffer(string: #"{"clinic_id":"\#(clinic.id)"}"#)
        try await outbound.write(
            .head(
                HTTPRequestHead(
                    version: .http1_1, method: .POST, uri: "/v1/check",
                    headers: [
                        "Host": "127.0.0.1", "Authorization": "Bearer \(key)",
                        "Content-Type": "application/json",
                        "Content-Length": "\(body.readableBytes)",
                    ])))
        try await outbound.write(.body(.byteBuffer(body)))
        try await outbound.write(.end(nil))
        return try await response()
    }

    private mutating func response() async throws -> Response {
        var status: Int?
        var body: [UInt8] = []
        while let part = try await inbound.next(isolation: #isolation) {
            switch part {
            case .head(let head): status = Int(head.status.code)
            case .body(let bytes): body.append(contentsOf: bytes.readableBytesView)
            case .end:
                guard let status else { throw NoResponse() }
                return Response(status: status, body: body)
            }
        }
        throw NoResponse()
    }
}
