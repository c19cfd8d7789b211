import NIOCore
import NIOPosix
import TestSupport

/// One TCP connection to the server under test, byte by byte: nothing here repairs what the server
/// sends, and no request is sent twice.
package struct HTTPWire {
    package struct Reply: Sendable {
        package let status: Int
        /// In the order they came, names in lower case.
        package let fields: [(name: String, value: String)]
        package let body: String

        package func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }
    }

    /// There was no connection, so nothing was sent.
    package struct NotConnected: Error, CustomStringConvertible {
        let port: Int
        let cause: any Error

        package var description: String { "no connection to 127.0.0.1:\(port): \(cause)" }
    }

    /// The server ended the connection where a reply was due.
    package struct Ended: Error, CustomStringConvertible {
        let port: Int
        let rest: String

        package var description: String {
            "the server at port \(port) closed the connection before a whole reply; "
                + "of this one it had sent \(rest.debugDescription)"
        }
    }

    private typealias Bytes = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private let port: Int
    private let limit: Duration
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private let wasCut: Signal
    private var buffer: [UInt8] = []

    /// Connects, lends the connection to `body`, and closes it.
    ///
    /// - Parameter limit: After this the connection is cut, so that a silent server fails the test.
    package static func talk<R: Sendable>(
        to port: Int, within limit: Duration = .seconds(20),
        _ body: (inout HTTPWire) async throws -> R
    ) async throws -> R {
        let channel = try await connect(to: port)
        let wasCut = Signal()
        let cut = channel.channel.eventLoop.scheduleTask(in: TimeAmount(limit)) {
            wasCut.set()
            channel.channel.close(promise: nil)
        }
        defer { cut.cancel() }
        return try await channel.executeThenClose { inbound, outbound in
            var wire = HTTPWire(
                port: port, limit: limit, inbound: inbound.makeAsyncIterator(), outbound: outbound,
                wasCut: wasCut)
            return try await body(&wire)
        }
    }

    private static func connect(to port: Int) async throws -> Bytes {
        do {
            return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try Bytes(
                            wrappingChannelSynchronously: channel,
                            configuration: .init(isOutboundHalfClosureEnabled: true))
                    }
                }
        } catch {
            throw NotConnected(port: port, cause: error)
        }
    }

    package func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    package func send(_ bytes: [UInt8]) async throws {
        try await outbound.write(ByteBuffer(bytes: bytes))
    }

    /// The next reply on this connection.
    ///
    /// - Parameter hasBody: False for the answer to a HEAD, which has the fields but not the bytes.
    package mutating func reply(hasBody: Bool = true) async throws -> Reply {
        let head = try await take(until: Array("\r\n\r\n".utf8))
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        guard let first = lines.first, first.hasPrefix("HTTP/1."),
            let status = Int(first.split(separator: " ").dropFirst().first ?? "")
        else {
            let text = String(decoding: head, as: UTF8.self)
            throw TestFailure("a reply begins with HTTP/1. and a status: \(text.debugDescription)")
        }
        let fields = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (
                name: parts[0].lowercased(),
                value: String(parts.dropFirst().joined().drop { $0 == " " })
            )
        }
        let length = fields.first { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
        let body = hasBody ? try await take(length) : []
        return Reply(status: status, fields: fields, body: String(decoding: body, as: UTF8.self))
    }

    /// Says that nothing more comes, and still listens.
    package func finish() { outbound.finish() }

    /// Everything until the server closes; a reset counts as a close. Throws when it did not close
    /// in time.
    package mutating func rest() async throws -> String {
        do { while try await more() {} } catch {}
        guard !wasCut.isSet else { throw inVain("closes the connection") }
        return text
    }

    private mutating func take(until end: [UInt8]) async throws -> [UInt8] {
        while true {
            if buffer.count >= end.count,
                let start = (0...buffer.count - end.count).first(where: {
                    buffer[$0..<$0 + end.count].elementsEqual(end)
                })
            {
                let taken = Array(buffer[..<start])
                buffer.removeFirst(start + end.count)
                return taken
            }
            try await need()
        }
    }

    private mutating func take(_ count: Int) async throws -> [UInt8] {
        while buffer.count < count { try await need() }
        let taken = Array(buffer[..<count])
        buffer.removeFirst(count)
        return taken
    }

    /// Waits for more of a reply, which is due.
    private mutating func need() async throws {
        let isMore: Bool
        do { isMore = try await more() } catch {
            throw wasCut.isSet ? inVain("sends a whole reply") : error
        }
        guard !isMore else { return }
        if wasCut.isSet { throw inVain("sends a whole reply") }
        throw Ended(port: port, rest: text)
    }

    private func inVain(_ what: String) -> WaitedInVain {
        WaitedInVain(
            description: "waited \(limit) until the server at port \(port) \(what), in vain; "
                + "of this one it had sent \(text.debugDescription)")
    }

    private mutating func more() async throws -> Bool {
        guard let read = try await inbound.next(isolation: #isolation) else { return false }
        buffer.append(contentsOf: read.readableBytesView)
        return true
    }

    private var text: String { String(decoding: buffer, as: UTF8.self) }
}
