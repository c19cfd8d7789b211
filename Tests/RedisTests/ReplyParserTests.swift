import TestSupport
import Testing

@testable import Redis

@Suite(.timed) struct `Reply parser` {
    @Test func `reads every kind of reply`() throws {
        let table: [(String, RedisReply)] = [
            ("+OK\r\n", .status("OK")), ("+\r\n", .status("")),
            ("-ERR no such key\r\n", .error(RedisServerError(code: "ERR", message: "no such key"))),
            ("-LOADING\r\n", .error(RedisServerError(code: "LOADING", message: ""))),
            (":0\r\n", .integer(0)), (":-9223372036854775808\r\n", .integer(.min)),
            (":9223372036854775807\r\n", .integer(.max)),
            ("$-1\r\n", .null), ("*-1\r\n", .null), ("$0\r\n\r\n", .string([])),
            ("$4\r\n\r\n\0\u{7f}\r\n", .string([13, 10, 0, 127])),
            ("*0\r\n", .array([])),
            (
                "*3\r\n*2\r\n:1\r\n*0\r\n$1\r\na\r\n*-1\r\n",
                .array([.array([.integer(1), .array([])]), .string([97]), .null])
            ),
        ]
        for (text, reply) in table {
            for piece in [1, 2, 7, 1000] {
                let (replies, refusal) = try parse(Array(text.utf8), pieces: piece)
                #expect(replies == [reply] && refusal == nil, "\(text.debugDescription)")
            }
        }
    }

    private static let tooMuch: [(Wire, RedisError)] = [
        ("*1000000000\r\n", .replyTooLong(limit: 10_000)),
        ("*10001\r\n", .replyTooLong(limit: 10_000)),
        ("*2\r\n*9000\r\n\(repeated(":1\r\n", 9000))*1000\r\n", .replyTooLong(limit: 10_000)),
        ("$536870912\r\n", .replyTooLarge(limit: 1 << 20)),
        ("$9223372036854775807\r\n", .replyTooLarge(limit: 1 << 20)),
        (
            "*2\r\n$1000000\r\n\(repeated("a", 1_000_000))\r\n$48577\r\n",
            .replyTooLarge(limit: 1 << 20)
        ),
        ("\(repeated("*1\r\n", 5))", .replyTooDeep(limit: 4)),
        ("\(repeated("*1\r\n", 100_000))", .replyTooDeep(limit: 4)),
    ]

    private static func repeated(_ text: String, _ count: Int) -> String {
        String(repeating: text, count: count)
    }

    @Test(arguments: tooMuch)
    func `refuses what is too much from its announcement alone`(wire: Wire, error: RedisError)
        throws
    {
        for piece in [1, 4096, 1 << 21] {
            let (replies, refusal) = try parse(Array(wire.text.utf8), pieces: piece)
            #expect(replies.isEmpty && refusal == error)
        }
    }

    private static let notRESP2: [Wire] = [
        "HTTP/1.1 400 Bad Request\r\n", "*-2\r\n", "$-2\r\n", "*2147483648\r\n",
        "*99999999999999999999\r\n", "$99999999999999999999\r\n", "$\r\n", "*\r\n", ":\r\n",
        ":12a\r\n", ":9223372036854775808\r\n", ":+1\r\n", "$1a\r\n", "*1a\r\n", "$3\r\nabcde",
        "$0\r\nab", ">2\r\n+a\r\n", "%1\r\n", "_\r\n", "#t\r\n", ",1.5\r\n", "\r\n", "\0",
        "+\(repeated("a", 70_000))", "$\(repeated("1", 70_000))",
        ":\(repeated("1", 70_000))", "*1\r\n!", "OK\r\n",
    ]

    @Test(arguments: notRESP2)
    func `refuses what is not RESP2`(wire: Wire) throws {
        // A line is looked through again with each piece, so a long one does not come byte by byte.
        for piece in [wire.text.utf8.count > 10_000 ? 8 : 1, 64, 1 << 20] {
            let (replies, refusal) = try parse(Array(wire.text.utf8), pieces: piece)
            #expect(replies.isEmpty)
            guard case .protocolViolation? = refusal else {
                Issue.record("\(wire.testDescription): \(String(describing: refusal))")
                continue
            }
        }
    }

    @Test func `takes replies that just fit`() throws {
        let mebibyte = "$1048576\r\n" + String(repeating: "a", count: 1 << 20) + "\r\n"
        let wide = "*9999\r\n" + String(repeating: ":1\r\n", count: 9999)
        let deep = "*1\r\n*1\r\n*1\r\n*1\r\n:7\r\n"
        let (replies, refusal) = try parse(
            Array((mebibyte + wide + deep + mebibyte).utf8), pieces: 3000)
        #expect(refusal == nil)
        #expect(replies.count == 4)
        #expect(replies.first?.bytes?.count == 1 << 20)
        #expect(replies[1].elements?.count == 9999)
        #expect(replies[2] == .array([.array([.array([.array([.integer(7)])])])]))
    }

    @Test func `random replies come out as they went in, wherever the bytes are cut`() async throws
    {
        let seed = Seed.current("random replies")
        var random = SplitMix64(seed: seed)
        var box = TimeBox("random replies", share: 50)
        while await box.hasTime {
            let sent = (0..<Int.random(in: 1...20, using: &random)).map { _ in
                RedisReply.random(depth: 3, &random)
            }
            var bytes: [UInt8] = []
            for reply in sent { reply.write(to: &bytes) }
            let longest = Int.random(in: 1...bytes.count + 1, using: &random)
            let (received, refusal) = try parse(bytes) {
                Int.random(in: 1...longest, using: &random)
            }
            try #require(refusal == nil && received == sent, "seed \(seed)")
        }
        box.report()
    }

    @Test func `random bytes never do harm`() async throws {
        let seed = Seed.current("random bytes")
        var random = SplitMix64(seed: seed)
        var box = TimeBox("random bytes", share: 30, atLeast: 1000)
        let alphabet = Array("*$:+-\r\n0123456789a".utf8)
        var refused = 0
        while await box.hasTime {
            let bytes = (0..<Int.random(in: 1...60, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? 0
            }
            if try parse(bytes, pieces: 5).refusal != nil { refused += 1 }
        }
        #expect(refused > 0)
        box.report()
    }

    private func parse(
        _ bytes: [UInt8], pieces: Int
    ) throws -> (replies: [RedisReply], refusal: RedisError?) {
        try parse(bytes) { pieces }
    }

    private func parse(
        _ bytes: [UInt8], next: () -> Int
    ) throws -> (replies: [RedisReply], refusal: RedisError?) {
        let limits = ReplyLimits(RedisConfiguration(address: .unix(path: "/x")))
        let parser = try #require(ReplyParser(limits: limits))
        var replies: [RedisReply] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(next())
            rest = rest.dropFirst(piece.count)
            let refusal = piece.withUnsafeBytes { bytes in
                parser.feed(bytes) { replies.append($0) }
            }
            if let refusal { return (replies, refusal) }
        }
        return (replies, nil)
    }
}

extension RedisReply {
    /// Any reply, nested at most `depth` deep.
    fileprivate static func random(depth: Int, _ random: inout SplitMix64) -> RedisReply {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &random) {
        case 0: return .null
        case 1: return .integer(Int64.random(in: .min ... .max, using: &random))
        case 2: return .status("S" + String(random.next(), radix: 36))
        case 3:
            return .error(RedisServerError(code: "E", message: String(random.next(), radix: 36)))
        case 4:
            let long = Int.random(in: 0..<8, using: &random) == 0
            let count = Int.random(in: 0...(long ? 20_000 : 12), using: &random)
            return .string((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
        default:
            return .array(
                (0..<Int.random(in: 0...6, using: &random)).map { _ in
                    .random(depth: depth - 1, &random)
                })
        }
    }

    fileprivate func write(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += Array("$-1\r\n".utf8)
        case .integer(let value): bytes += Array(":\(value)\r\n".utf8)
        case .status(let text): bytes += Array("+\(text)\r\n".utf8)
        case .error(let error): bytes += Array("-\(error.code) \(error.message)\r\n".utf8)
        case .string(let string): bytes += Array("$\(string.count)\r\n".utf8) + string + [13, 10]
        case .array(let elements):
            bytes += Array("*\(elements.count)\r\n".utf8)
            for element in elements { element.write(to: &bytes) }
        }
    }
}

/// What a server sent; a failing test shows its beginning.
struct Wire: Sendable, CustomTestStringConvertible, ExpressibleByStringInterpolation {
    let text: String

    init(stringLiteral text: String) { self.text = text }

    var testDescription: String { text.prefix(40).debugDescription }
}
