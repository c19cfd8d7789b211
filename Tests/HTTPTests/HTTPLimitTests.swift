import Counters
import DatabaseSupport
import Metering
import NIOCore
import NIOPosix
import Quotas
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// Requests that are too large, too slow, too many or none at all. The server answers others after each.
@Suite(.timed, .serialized) struct `HTTP limits` {
    private let hasty = ["METERING_REQUEST_TIMEOUT": "200ms"]

    @Test func `takes a body of 4,096 bytes and not one more`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(nil)
            for (size, status) in [(4_096, 200), (4_097, 413), (1_000_000, 413)] {
                let reply = try await worker.request(
                    "POST", "/v1/check", body: Self.body(of: clinic, size: size), key: worker.key)
                #expect(reply.status == status)
                if status == 413 { #expect(try ProblemBody(reply).code == "too-large") }
            }
            try await worker.expectServing()
            #expect(try Answer(try await worker.usage(clinic)).usage.used == 1)
        }
    }

    @Test func `takes a body in pieces within the same bound`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(nil)
            for (size, status) in [(60, 200), (4_096, 200), (4_097, 413)] {
                let body = Array(Self.body(of: clinic, size: size))
                let seen = try await HTTPWire.talk(to: worker.port) { wire in
                    try await wire.send(
                        "POST /v1/check HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(worker.key)\r\n"
                            + "Transfer-Encoding: chunked\r\n\r\n")
                    for start in stride(from: 0, to: body.count, by: 1_000) {
                        let piece = body[start..<min(start + 1_000, body.count)]
                        let length = String(piece.count, radix: 16)
                        try await wire.send("\(length)\r\n\(String(piece))\r\n")
                    }
                    try await wire.send("0\r\n\r\n")
                    return try await wire.reply().status
                }
                #expect(seen == status)
            }
            #expect(try Answer(try await worker.usage(clinic)).usage.used == 2)
        }
    }

    /// What cannot be read is answered 4xx or cut off, and counts nothing.
    @Test func `survives what is no request`() async throws {
        try await RunningWorker.lend(hasty) { worker in
            let clinic = try await worker.database.clinic(nil)
            let start =
                "POST /v1/check HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(worker.key)\r\n"
            let body = #"{"clinic_id":"\#(clinic)"}"#
            let fields = (0..<100).map { "X-\($0): y\r\n" }.joined()
            var random = SplitMix64(seed: Seed.current("no request"))
            let garbage = (0..<4_000).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            let attempts: [[UInt8]] =
                [
                    start + "X: \(String(repeating: "a", count: 20_480))\r\n\r\n",
                    start + fields + "Content-Length: \(body.utf8.count)\r\n\r\n" + body,
                    start + "Content-Length: 99999999999999999999\r\n\r\n" + body,
                    start + "Content-Length: 9223372036854775807\r\n\r\n" + body,
                    start + "Content-Length: -1\r\n\r\n" + body,
                    start + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + body,
                    start + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + body,
                    start + "Transfer-Encoding: chunked\r\n\r\nzz\r\n" + body,
                    start + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + body,
                    start + "Content-Length : 3\r\n\r\n{}}", start + " folded\r\n\r\n",
                    "GET / HTTP/9.9\r\n\r\n", "GET\r\n\r\n", "\r\n\r\n\r\n\r\n",
                    "GET /\(String(repeating: "a", count: 100_000)) HTTP/1.1\r\nHost: x\r\n\r\n",
                    String(repeating: "A", count: 100_000), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                ].map { Array($0.utf8) } + [
                    garbage, [0x16, 0x03, 0x01, 0x02, 0x00, 0x01], [0], [0xFF, 0xFE],
                ]
            for attempt in attempts {
                let answer = try await HTTPWire.talk(to: worker.port) { wire in
                    // The server may close while we still write.
                    try? await wire.send(attempt)
                    wire.finish()
                    return try await wire.rest()
                }
                let status = answer.split(separator: " ").dropFirst().first.flatMap { Int($0) }
                #expect(
                    answer.isEmpty || (400..<500).contains(status ?? 0), "\(answer.prefix(200))")
                try await worker.expectServing()
            }
            #expect(try Answer(try await worker.usage(clinic)).usage.used == 0)
        }
    }

    @Test func `closes a connection whose body does not come`() async throws {
        try await RunningWorker.lend(hasty) { worker in
            for sent in ["", "{"] {
                let rest = try await HTTPWire.talk(to: worker.port) { wire in
                    try await wire.send(Self.head(length: 50, worker.key) + sent)
                    return try await wire.rest()
                }
                #expect(rest.isEmpty)
            }
            try await worker.expectServing()
        }
    }

    /// The answer to an earlier request must not give a later one more time.
    @Test func `closes a connection whose second body does not come`() async throws {
        try await RunningWorker.lend(hasty) { worker in
            let rest = try await HTTPWire.talk(to: worker.port) { wire in
                try await wire.send(
                    HTTPWire.request("GET", "/healthz", key: nil)
                        + Self.head(length: 50, worker.key)
                        + "{")
                #expect(try await wire.reply().status == 200)
                return try await wire.rest()
            }
            #expect(rest.isEmpty)
            try await worker.expectServing()
        }
    }

    /// An early answer does not end the clock either: the rest of the body must come or the connection goes.
    @Test func `closes a connection that was answered before its body ended`() async throws {
        // Time enough for the answer on a busy machine.
        try await RunningWorker.lend(["METERING_REQUEST_TIMEOUT": "3s"]) { worker in
            let rest = try await HTTPWire.talk(to: worker.port) { wire in
                try await wire.send(
                    "POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\nx")
                #expect(try await wire.reply().status == 404)
                return try await wire.rest()
            }
            #expect(rest.isEmpty)
            try await worker.expectServing()
        }
    }

    @Test func `answers requests that come at once in their order`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(nil)
            try await HTTPWire.talk(to: worker.port) { wire in
                let body = #"{"clinic_id":"\#(clinic)"}"#
                let check = HTTPWire.request("POST", "/v1/check", body: body, key: worker.key)
                let wrong = HTTPWire.request("POST", "/v1/check", body: "{", key: worker.key)
                let health = HTTPWire.request("GET", "/healthz", key: nil)
                try await wire.send(String(repeating: check + wrong + health, count: 20))
                for used in 1...20 {
                    #expect(try Answer(try await wire.reply()).usage.used == used)
                    #expect(try await wire.reply().status == 400)
                    #expect(try await wire.reply().status == 200)
                }
            }
        }
    }

    @Test func `speaks HTTP 1.0, and closes when asked to`() async throws {
        try await RunningWorker.lend { worker in
            for request in [
                "GET /healthz HTTP/1.0\r\n\r\n",
                "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n",
            ] {
                let rest = try await HTTPWire.talk(to: worker.port) { wire in
                    try await wire.send(request)
                    #expect(try await wire.reply().body == "{\"status\":\"alive\"}\n")
                    return try await wire.rest()
                }
                #expect(rest.isEmpty)
            }
        }
    }

    @Test func `serves while 300 connections say nothing, and ends with them open`() async throws {
        try await RunningWorker.lend(["METERING_SHUTDOWN_TIMEOUT": "300s"]) { worker in
            let clinic = try await worker.database.clinic(nil)
            var idle: [any Channel] = []
            for _ in 0..<300 {
                idle.append(
                    try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                        .connect(host: "127.0.0.1", port: worker.port).get())
            }
            for used in 1...20 {
                #expect(try Answer(try await worker.check(clinic)).usage.used == used)
            }
            // Some have asked before and are kept open for more.
            for channel in idle.prefix(50) {
                let request = HTTPWire.request("GET", "/healthz", key: nil)
                try await channel.writeAndFlush(ByteBuffer(string: request)).get()
            }
            try await worker.expectServing()
            let isOver = worker.endInBackground()
            try await waitUntil("the worker has ended") { isOver.isSet }
            for channel in idle { try await channel.closeFuture.get() }
        }
    }

    /// However it trickles: a head that is not whole in time is not waited for.
    @Test func `closes a connection whose head does not come`() async throws {
        try await RunningWorker.lend { worker in
            try await worker.serve(idle: .milliseconds(300)) { port in
                for start in ["", "G", "GET /healthz HTTP/1.1\r\nHost: x\r\nX: "] {
                    let rest = try await HTTPWire.talk(to: port) { wire in
                        try await wire.send(start)
                        return try await wire.rest()
                    }
                    #expect(rest.isEmpty)
                }
                let rest = try await HTTPWire.talk(to: port) { wire in
                    try await wire.send("GET /healthz HTTP/1.1\r\n")
                    // Each field is news, but none of them ends the head.
                    while (try? await wire.send("X: y\r\n")) != nil {
                        try await Task.sleep(for: .milliseconds(20))
                    }
                    return try await wire.rest()
                }
                #expect(rest.isEmpty)
                // One that is kept open after an answer goes too.
                let after = try await HTTPWire.talk(to: port) { wire in
                    try await wire.send(HTTPWire.request("GET", "/healthz", key: nil))
                    #expect(try await wire.reply().status == 200)
                    return try await wire.rest()
                }
                #expect(after.isEmpty)
            }
        }
    }

    private static func body(of clinic: ClinicID, size: Int) -> String {
        let start = #"{"clinic_id":"\#(clinic)""#
        return start + String(repeating: " ", count: size - start.utf8.count - 1) + "}"
    }

    private static func head(length: Int, _ key: String) -> String {
        "POST /v1/check HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(key)\r\n"
            + "Content-Length: \(length)\r\n\r\n"
    }
}
