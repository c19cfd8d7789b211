import DatabaseSupport
import Foundation
import Metering
import NIOCore
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// What happens on one connection, seen byte by byte from outside.
@Suite(.timed, .serialized) struct `An HTTP connection` {
    @Test func `is told to go on before a body that waits for the word`() async throws {
        try await RunningWorker.lend { worker in
            let body = #"{"clinic_id":"\#(try await worker.database.clinic(nil))"}"#
            try await HTTPWire.talk(to: worker.port) { wire in
                for used in 1...2 {
                    try await wire.send(Self.head(length: body.utf8.count, worker.key))
                    #expect(try await wire.reply().status == 100)
                    try await wire.send(body)
                    #expect(try Answer(try await wire.reply()).usage.used == used)
                }
                // The word comes behind the answers that are due before it.
                try await wire.send(
                    HTTPWire.request("GET", "/healthz", key: nil)
                        + HTTPWire.request("POST", "/v1/check", body: body, key: worker.key)
                        + Self.head(length: body.utf8.count, worker.key))
                #expect(try await wire.reply().body == "{\"status\":\"alive\"}\n")
                #expect(try Answer(try await wire.reply()).usage.used == 3)
                #expect(try await wire.reply().status == 100)
                try await wire.send(body)
                #expect(try Answer(try await wire.reply()).usage.used == 4)
            }
            // A body that is too large is not asked for.
            let rest = try await HTTPWire.talk(to: worker.port) { wire in
                try await wire.send(Self.head(length: 4_097, worker.key))
                let reply = try await wire.reply()
                #expect(reply.status == 413 && reply.field("connection") == "close")
                return try await wire.rest()
            }
            #expect(rest.isEmpty)
        }
    }

    /// Where a proxy and we could see different ends of a request, there is no second request.
    @Test func `refuses a request whose end is doubtful, and all behind it`() async throws {
        try await RunningWorker.lend { worker in
            let hidden = HTTPWire.request("GET", "/healthz", key: nil)
            for fields in Self.doubtful {
                let answer = try await HTTPWire.talk(to: worker.port) { wire in
                    try await wire.send(
                        "POST /v1/check HTTP/1.1\r\nHost: x\r\n\(fields)\r\n0\r\n\r\n" + hidden)
                    wire.finish()
                    return try await wire.rest()
                }
                #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
                #expect(!answer.contains("alive"))
            }
            try await worker.expectServing()
        }
    }

    private static let doubtful = [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 5\r\n", "Content-Length: +5\r\n", "Content-Length:\r\n",
        "Transfer-Encoding: chunked, identity\r\n", "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: \u{0B}chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "Host: y\r\n",
        "Content-Length : 5\r\n", "Content-Length: 5\n\r\n", "X: y\rContent-Length: 5\r\n",
    ]

    @Test func `says which bound a head broke`() async throws {
        try await RunningWorker.lend { worker in
            for (request, status) in [
                (
                    "GET / HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "a", count: 17_000))\r\n\r\n",
                    431
                ),
                (
                    "GET / HTTP/1.1\r\nHost: x\r\n\(String(repeating: "X: y\r\n", count: 64))\r\n",
                    431
                ),
                ("GET /\(String(repeating: "a", count: 9_000)) HTTP/1.1\r\nHost: x\r\n\r\n", 414),
                ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/2.0\r\n\r\n", 400),
                ("GET / HTTP/1.1\r\nHost: x\r\nExpect: cake\r\n\r\n", 417), ("hello\r\n\r\n", 400),
            ] {
                let rest = try await HTTPWire.talk(to: worker.port) { wire in
                    try await wire.send(request)
                    let reply = try await wire.reply()
                    #expect(reply.status == status)
                    #expect(reply.field("connection") == "close")
                    return try await wire.rest()
                }
                #expect(rest.isEmpty)
            }
        }
    }

    /// More than are worked on at once, and more than one read brings.
    @Test func `answers 3,000 requests sent in one breath, in their order`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(nil)
            let body = #"{"clinic_id":"\#(clinic)"}"#
            let pair =
                HTTPWire.request("POST", "/v1/check", body: body, key: worker.key)
                + HTTPWire.request("GET", "/nothing", key: nil)
            try await HTTPWire.talk(to: worker.port, within: .seconds(120)) { wire in
                try await wire.send(String(repeating: pair, count: 1_500))
                for used in 1...1_500 {
                    #expect(try Answer(try await wire.reply()).usage.used == used)
                    #expect(try await wire.reply().status == 404)
                }
            }
        }
    }

    @Test func `ends after the last answer when the client has finished sending`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(nil)
            let check = HTTPWire.request(
                "POST", "/v1/check", body: #"{"clinic_id":"\#(clinic)"}"#, key: worker.key)
            let answers = try await HTTPWire.talk(to: worker.port) { wire in
                try await wire.send(String(repeating: check, count: 5))
                wire.finish()
                return try await wire.rest()
            }
            #expect(answers.components(separatedBy: "HTTP/1.1 200 OK").count == 6)
            #expect(answers.contains("\"used\":5"))
        }
    }

    @Test func `stays open for HTTP 1.0 when asked to`() async throws {
        try await RunningWorker.lend { worker in
            try await HTTPWire.talk(to: worker.port) { wire in
                for _ in 1...3 {
                    try await wire.send("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                    let reply = try await wire.reply()
                    #expect(reply.status == 200 && reply.field("connection") == "keep-alive")
                }
            }
            // An offer to speak another protocol is not taken, and nothing is read behind it.
            let rest = try await HTTPWire.talk(to: worker.port) { wire in
                try await wire.send(
                    "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
                )
                let reply = try await wire.reply()
                #expect(reply.status == 200 && reply.field("connection") == "close")
                return try await wire.rest()
            }
            #expect(rest.isEmpty)
        }
    }

    @Test func `waits in the system's queue while as many are open as allowed`() async throws {
        try await RunningWorker.lend(["METERING_CONNECTIONS_MAX": "3"]) { worker in
            let health = HTTPWire.request("GET", "/healthz", key: nil)
            let answered = Signal()
            try await HTTPWire.talk(to: worker.port) { first in
                try await HTTPWire.talk(to: worker.port) { second in
                    try await HTTPWire.talk(to: worker.port) { third in
                        for _ in 1...2 {
                            try await first.send(health)
                            #expect(try await first.reply().status == 200)
                            try await second.send(health)
                            #expect(try await second.reply().status == 200)
                            try await third.send(health)
                            #expect(try await third.reply().status == 200)
                        }
                        let port = worker.port
                        Task {
                            try await HTTPWire.talk(to: port) { fourth in
                                try await fourth.send(health)
                                _ = try await fourth.reply()
                                answered.set()
                            }
                        }
                        for _ in 1...20 {
                            try await first.send(health)
                            #expect(try await first.reply().status == 200)
                        }
                        #expect(!answered.isSet)
                    }
                }
            }
            try await waitUntil("the fourth is answered") { answered.isSet }
        }
    }

    /// Good requests with a few bytes changed: whatever comes of them is whole answers, and the worker lives.
    @Test func `answers requests that were tampered with, or ends`() async throws {
        try await RunningWorker.lend(["METERING_REQUEST_TIMEOUT": "200ms"]) { worker in
            let clinic = try await worker.database.clinic(nil)
            let check = HTTPWire.request(
                "POST", "/v1/check", body: #"{"clinic_id":"\#(clinic)"}"#, key: worker.key)
            let chunked = check.replacingOccurrences(
                of: "Content-Length: 52\r\n\r\n", with: "Transfer-Encoding: chunked\r\n\r\n34\r\n")
            let usage = HTTPWire.request("GET", "/v1/clinics/\(clinic)/usage", key: worker.key)
            let good = Array((check + usage + chunked + "\r\n0\r\n\r\n" + check).utf8)
            var random = SplitMix64(seed: Seed.current("tampered requests"))
            var box = TimeBox("tampered requests", share: 50)
            while await box.hasTime {
                var bytes = good
                for _ in 0...Int.random(in: 0...4, using: &random) { Self.tamper(&bytes, &random) }
                let answers = try await HTTPWire.talk(to: worker.port) { [bytes] wire in
                    try? await wire.send(bytes)
                    wire.finish()
                    return try await wire.rest()
                }
                let lines = answers.components(separatedBy: "HTTP/1.1 ")
                try #require(lines[0].isEmpty, "\(answers)")
                for line in lines.dropFirst() {
                    let status = Int(line.prefix(3)) ?? 0
                    try #require(status == 100 || (200..<500).contains(status), "\(answers)")
                }
            }
            box.report()
            try await worker.expectServing()
        }
    }

    private static func tamper(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
        let place = Int.random(in: 0..<max(1, bytes.count), using: &random)
        guard place < bytes.count else { return }
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes.insert(.random(in: .min ... .max, using: &random), at: place)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.remove(at: place)
        case 3: bytes.removeLast(bytes.count - place)
        default: bytes.insert(contentsOf: bytes[..<place].suffix(40), at: place)
        }
    }

    private static func head(length: Int, _ key: String) -> String {
        "POST /v1/check HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(key)\r\n"
            + "Expect: 100-continue\r\nContent-Length: \(length)\r\n\r\n"
    }
}
