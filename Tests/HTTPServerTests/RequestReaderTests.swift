import NIOCore
import NIOHTTP1
import TestSupport
import Testing

@testable import HTTPServer

/// Which requests are taken, and when they are answered, without a socket.
@Suite(.timed) struct `Request reader` {
    private static let most = 10

    /// What came of a head and the pieces of a body, one word for each step.
    private func steps(
        _ fields: [(String, String)] = [("Host", "x")], method: HTTPMethod = .POST,
        target: String = "/v1/check", version: HTTPVersion = .http1_1,
        pieces: [Int] = [], form: ((ResponseForm) -> Void)? = nil
    ) -> [String] {
        var reader = RequestReader(BodyBudget())
        let head = HTTPRequestHead(
            version: version, method: method, uri: target, headers: HTTPHeaders(fields))
        var steps = [reader.begin(head) { $0.path == "/v1/check" ? Self.most : 0 }]
        form?(reader.form)
        for size in pieces {
            steps.append(reader.add(ByteBuffer(repeating: 97, count: size)))
        }
        steps.append(reader.end())
        return steps.map(Self.word)
    }

    private static func word(_ step: RequestReader.Step) -> String {
        switch step {
        case .nothing: "-"
        case .goOn: "go on"
        case .ask(let question):
            question.isBodyTooLarge ? "ask, too large" : "ask with \(question.body.count)"
        case .refuse(let problem): "\(problem.status)"
        case .abandon: "abandon"
        }
    }

    @Test func `asks once a body is whole, and at once when it is not wanted or too large`() {
        let host = ("Host", "x")
        #expect(steps() == ["-", "ask with 0"])
        #expect(
            steps([host, ("Content-Length", "5")], pieces: [2, 3]) == ["-", "-", "-", "ask with 5"])
        #expect(
            steps([host, ("Content-Length", "10")], pieces: [10]) == ["-", "-", "ask with 10"])
        #expect(
            steps([host, ("Content-Length", "11")], pieces: [11]) == ["ask, too large", "-", "-"])
        #expect(
            steps([host, ("Transfer-Encoding", "chunked")], pieces: [6, 6, 6])
                == ["-", "-", "ask, too large", "-", "-"])
        #expect(
            steps([host, ("Content-Length", "9")], method: .GET, target: "/healthz", pieces: [9])
                == ["ask with 0", "-", "-"])
    }

    @Test func `takes no more of large bodies than there is room for all of them together`() {
        let room = BodyBudget(most: 20_000)
        let head = HTTPRequestHead(
            version: .http1_1, method: .POST, uri: "/",
            headers: ["Host": "x", "Transfer-Encoding": "chunked"])
        func reader(_ size: Int) -> (RequestReader, String) {
            var reader = RequestReader(room)
            _ = reader.begin(head) { _ in 100_000 }
            let word = Self.word(reader.add(ByteBuffer(repeating: 97, count: size)))
            return (reader, word)
        }
        var small = reader(4_096)
        #expect(room.bytesTaken == 0 && small.1 == "-")
        var large = reader(12_000)
        #expect((12_000...20_000).contains(room.bytesTaken) && large.1 == "-")
        #expect(reader(12_000).1 == "503")
        #expect(Self.word(small.0.end()) == "ask with 4096")
        do {
            let step = large.0.end()
            #expect(room.bytesTaken >= 12_000, "it is held until it is answered")
            #expect(Self.word(step) == "ask with 12000")
        }
        #expect(room.bytesTaken == 0)
        #expect(reader(12_000).1 == "-")
        #expect(room.bytesTaken == 0, "and given back when the connection ends")
    }

    @Test func `drops a body that has no reader, within a bound`() {
        let rest = RequestReader.droppedBytesMax
        let fields = [("Host", "x"), ("Content-Length", "\(rest + 1)")]
        #expect(steps(fields, pieces: [rest, 1]) == ["ask, too large", "-", "abandon", "-"])
        #expect(steps(fields, pieces: [rest]) == ["ask, too large", "-", "-"])
    }

    @Test func `lets a client go on that asks first, unless it is answered already`() {
        let fields = [("Host", "x"), ("Expect", "100-Continue"), ("Content-Length", "5")]
        #expect(steps(fields, pieces: [5]) == ["go on", "-", "ask with 5"])
        #expect(steps(fields, version: .http1_0, pieces: [5]) == ["-", "-", "ask with 5"])
        var isLast = false
        _ = steps(fields, target: "/other") { isLast = $0.isLast }
        #expect(isLast)
        // Nothing is asked for where nothing comes.
        #expect(steps([("Host", "x"), ("Expect", "100-continue")]) == ["-", "ask with 0"])
    }

    /// A status and the fields that it answers.
    private static let doubtful: [(Int, [(String, String)])] = [
        (400, [("Host", "x"), ("Content-Length", "5"), ("Content-Length", "5")]),
        (400, [("Host", "x"), ("Content-Length", "5"), ("Transfer-Encoding", "chunked")]),
        (400, [("Host", "x"), ("Transfer-Encoding", "chunked"), ("transfer-encoding", "chunked")]),
        (400, [("Host", "x"), ("Transfer-Encoding", "gzip, chunked")]),
        (400, [("Host", "x"), ("Transfer-Encoding", "chunked, identity")]),
        (400, [("Host", "x"), ("Transfer-Encoding", "xchunked")]),
        (400, [("Host", "x"), ("Content-Length", "+5")]),
        (400, [("Host", "x"), ("Content-Length", "5,5")]),
        (400, [("Host", "x"), ("Content-Length", "")]),
        (400, [("Host", "x"), ("Content-Length", "99999999999999999999")]),
        (400, []), (400, [("Host", "x"), ("host", "y")]),
        (417, [("Host", "x"), ("Expect", "200-ok")]),
    ]

    @Test(arguments: doubtful)
    func `refuses what two readers could read differently`(
        status: Int, fields: [(String, String)]
    ) {
        var isLast = false
        #expect(steps(fields) { isLast = $0.isLast } == ["\(status)", "-"])
        #expect(isLast)
    }

    @Test func `refuses pieces in HTTP 1.0 and long targets`() {
        #expect(
            steps([("Transfer-Encoding", "chunked")], version: .http1_0).first == "400")
        let long = "/" + String(repeating: "a", count: RequestReader.targetBytesMax)
        #expect(steps(method: .GET, target: long).first == "414")
        #expect(steps(method: .GET, target: String(long.dropLast())).first == "ask with 0")
        #expect(steps(version: HTTPVersion(major: 1, minor: 2)).first == "400")
    }

    @Test func `knows after which request a connection ends`() {
        let rows: [(Bool, HTTPMethod, HTTPVersion, [(String, String)])] = [
            (false, .GET, .http1_1, [("Host", "x")]),
            (true, .GET, .http1_1, [("Host", "x"), ("Connection", "Close")]),
            (true, .GET, .http1_1, [("Host", "x"), ("Connection", "foo, close")]),
            (true, .GET, .http1_0, []),
            (false, .GET, .http1_0, [("Connection", "keep-alive")]),
            (true, .GET, .http1_1, [("Host", "x"), ("Upgrade", "h2c"), ("Connection", "Upgrade")]),
            (true, .CONNECT, .http1_1, [("Host", "x")]),
        ]
        for row in rows {
            var seen: ResponseForm?
            _ = steps(row.3, method: row.1, target: "/healthz", version: row.2) { seen = $0 }
            #expect(seen?.isLast == row.0, "\(row)")
            #expect(seen?.isOld == (row.2 == .http1_0))
        }
    }

    @Test func `splits a target into path and query`() {
        let rows: [(String, String, String?)] = [
            ("/", "/", nil), ("/a?b=c?d", "/a", "b=c?d"), ("/a?", "/a", ""), ("*", "*", nil),
            ("http://h:80/a/b?c", "/a/b", "c"), ("HTTPS://h", "/", nil), ("http://h?c", "/", "c"),
            ("h:80", "h:80", nil), ("//v1/check", "//v1/check", nil),
        ]
        for (target, path, query) in rows {
            let seen = RequestReader.split(target)
            #expect(seen.path == path && seen.query == query, "\(target)")
        }
    }
}
