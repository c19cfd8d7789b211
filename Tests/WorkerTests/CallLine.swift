import NIOCore
import NIOHTTP1
import NIOPosix

/// One connection to a worker, on which requests go one after the other.
///
/// It is bare on purpose: it sends every request once and never again by itself, so that what a test
/// sent can be compared with what was counted.
struct CallLine {
    typealias Channel = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    struct Answer: Sendable, Equatable {
        let status: Int
        let body: String
    }

    /// There was no connection, so nothing was sent.
    struct NotConnected: Error {}
    /// The connection ended before the answer did.
    struct NoAnswer: Error {}

    private var inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>

    /// Connects, lends the connection to `talk`, and closes it.
    static func open(port: Int, _ talk: (inout CallLine) async throws -> Void) async throws {
        let channel: Channel
        do {
            channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connectTimeout(.seconds(5))
                .connect(host: "127.0.0.1", port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try Channel(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw NotConnected()
        }
        try await channel.executeThenClose { inbound, outbound in
            var line = CallLine(inbound: inbound.makeAsyncIterator(), outbound: outbound)
            try await talk(&line)
        }
    }

    mutating func get(_ path: String) async throws -> Answer {
        try await outbound.write(.head(Self.head(.GET, path)))
        try await outbound.write(.end(nil))
        return try await answer()
    }

    /// One call of a clinic.
    mutating func check(_ clinic: String, key: String) async throws -> Answer {
        try await send(check: clinic, key: key)
        return try await answer()
    }

    /// Sends a call and leaves its answer for `answer`.
    func send(check clinic: String, key: String) async throws {
        let body = ByteBuffer(string: #"{"clinic_id":"\#(clinic)"}"#)
        var head = Self.head(.POST, "/v1/check")
        head.headers.add(name: "Authorization", value: "Bearer \(key)")
        head.headers.add(name: "Content-Length", value: "\(body.readableBytes)")
        try await outbound.write(.head(head))
        try await outbound.write(.body(.byteBuffer(body)))
        try await outbound.write(.end(nil))
    }

    private static func head(_ method: HTTPMethod, _ path: String) -> HTTPRequestHead {
        HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: ["Host": "worker"])
    }

    /// The answer to what was sent last.
    mutating func answer() async throws -> Answer {
        var status: Int?
        var body = ""
        while let part = try await inbound.next(isolation: #isolation) {
            switch part {
            case .head(let head): status = Int(head.status.code)
            case .body(let bytes): body += String(buffer: bytes)
            case .end:
                guard let status else { throw NoAnswer() }
                return Answer(status: status, body: body)
            }
        }
        throw NoAnswer()
    }
}
