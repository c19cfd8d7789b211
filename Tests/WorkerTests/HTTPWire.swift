import NIOCore
import NIOPosix
import Synchronization

/// One TCP connection to the server under test, byte by byte: nothing here repairs what the server sends.
struct HTTPWire {
    struct Reply {
        let status: Int
        /// In the order they came, names in lower case.
        let fields: [(name: String, value: String)]
        let body: String

        func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }
    }

    /// The server ended the connection where a reply was due.
    struct Ended: Error, CustomStringConvertible {
        let rest: String
        var description: String { "the connection ended after \(rest.debugDescription)" }
    }

    private typealias Bytes = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private let wasCut: Signal
    private var buffer: [UInt8] = []

    /// Connects, lends the connection to `body`, and closes it.
    ///
    /// - Parameter limit: After this the connection is cut, so that a server which says nothing fails the test.
    static func talk<R: Sendable>(
        to port: Int, within limit: TimeAmount = .seconds(20),
        _ body: (inout HTTPWire) async throws -> R
    ) async throws -> R {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Bytes(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
        let wasCut = Signal()
        let cut = channel.channel.eventLoop.scheduleTask(in: limit) {
            wasCut.set()
            channel.channel.close(promise: nil)
        }
        defer { cut.cancel() }
        return try await channel.executeThenClose { inbound, outbound in
            var wire = HTTPWire(
                inbound: inbound.makeAsyncIterator(), outbound: outbound, wasCut: wasCut)
            return try await body(&wire)
        }
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws {
        try await outbound.write(ByteBuffer(bytes: bytes))
    }

    /// The next reply on this connection.
    ///
    /// - Parameter hasBody: False for the answer to a HEAD, which has the fields but not the bytes.
    mutating func reply(hasBody: Bool = true) async throws -> Reply {
        let head = try await take(until: Array("\r\n\r\n".utf8))
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        guard let first = lines.first, first.hasPrefix("HTTP/1."),
            let status = Int(first.split(separator: " ").dropFirst().first ?? "")
        else { throw Ended(rest: String(decoding: head, as: UTF8.self)) }
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
    func finish() { outbound.finish() }

    /// Everything until the server closes; a reset counts as a close. Throws when it did not close in time.
    mutating func rest() async throws -> String {
        do { while try await more() {} } catch {}
        guard !wasCut.isSet else { throw NotClosed() }
        return text
    }

    /// The server kept a connection open that it should have closed.
    struct NotClosed: Error {}

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
            guard try await more() else { throw Ended(rest: text) }
        }
    }

    private mutating func take(_ count: Int) async throws -> [UInt8] {
        while buffer.count < count {
            guard try await more() else { throw Ended(rest: text) }
        }
        let taken = Array(buffer[..<count])
        buffer.removeFirst(count)
        return taken
    }

    private mutating func more() async throws -> Bool {
        guard let read = try await inbound.next(isolation: #isolation) else { return false }
        buffer.append(contentsOf: read.readableBytesView)
        return true
    }

    private var text: String { String(decoding: buffer, as: UTF8.self) }
}

/// Something that happens once, told across tasks.
final class Signal: Sendable {
    private let flag = Atomic<Bool>(false)

    func set() { flag.store(true, ordering: .releasing) }
    var isSet: Bool { flag.load(ordering: .acquiring) }
}
