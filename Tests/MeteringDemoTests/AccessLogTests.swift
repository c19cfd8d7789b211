import TestSupport
import Testing

@testable import MeteringDemo

@Suite(.timed) struct `Access log` {
    static let time = "[17/May/2015:10:05:03 +0000]"
    static let rest = #""GET / HTTP/1.1" 200 7 "-" "agent""#

    /// What a log is, read in pieces of at most `piece` bytes.
    static func read(_ log: [UInt8], piece: Int = .max) -> [AccessLogLine] {
        var reader = AccessLogReader()
        var lines: [AccessLogLine] = []
        var rest = log[...]
        while !rest.isEmpty {
            reader.feed(rest.prefix(piece)) { lines.append($0) }
            rest = rest.dropFirst(piece)
        }
        reader.finish { lines.append($0) }
        #expect(reader.lines == lines.count && reader.lines == reader.calls + reader.malformed)
        return lines
    }

    static func read(_ log: String) -> [AccessLogLine] { read(Array(log.utf8)) }

    static func fault(_ line: AccessLogLine?) -> AccessLogFault? {
        if case .malformed(_, _, let fault) = line { fault } else { nil }
    }

    @Test(arguments: [
        "192.0.2.7", "2001:db8::1", "[2001:db8::1]", "::1", "fe80::1%eth0", "clinic.example",
        "Clinic.EXAMPLE", "a", "7", "host_name", "h[1]-.",
    ])
    func `counts a host exactly as written`(host: String) {
        let lines = Self.read("\(host) - - \(Self.time) \(Self.rest)\n")
        #expect(lines == [.call(host: host)])
    }

    @Test(arguments: [
        "h [17/May/2015:10:05:03 +0000]",
        "h - - [17/May/2015:10:05:03 +0000]",
        "h - Ada Lovelace [17/May/2015:10:05:03 +0000] x",
        "h - a [b] [17/May/2015:10:05:03 +0000] x",
        "h - a [ [17/May/2015:10:05:03 +0000] x",
        "h - \"ada\" [17/May/2015:10:05:03 +0000] x",
        "h - - [17/May/2015:10:05:03.123456 -0730] x",
        "h - - [2015-05-17T10:05:03+00:00] x",
        "h\t-\t-\t[17/May/2015:10:05:03 +0000]\tx",
    ])
    func `finds the time after any ident and user`(line: String) {
        #expect(Self.read(line + "\n") == [.call(host: "h")])
    }

    @Test(arguments: [
        "h", "h ", "h - -", "h - - []", "h - - [x]", "h - - [-]", "h - - [17/May/2015]",
        "h - - [17/May/2015:10:05:03 +0000", "h - -[17/May/2015:10:05:03 +0000]",
        "h - - [ 17/May/2015:10:05:03 +0000]", "h \"GET /a[1:2] HTTP/1.1\"",
        "h - - [17/May/2015:10:05:03é +0000]", "h - - [1:\(String(repeating: "0", count: 63))]",
    ])
    func `refuses a host without a time`(line: String) {
        #expect(Self.fault(Self.read(line + "\n").first) == .noTime)
    }

    @Test(arguments: [
        " h - - ", "-h - - ", ".h - - ", "_h - - ", "%h - - ", "]h - - ", "- - - ", "\"h\" - - ",
        "h,i - - ", "h/24 - - ", "hôte - - ",
    ])
    func `refuses a line that does not begin with a host`(beginning: String) {
        #expect(Self.fault(Self.read(beginning + Self.time + "\n").first) == .noHost)
    }

    @Test func `takes no control character, other alphabet or byte order mark in a host`() {
        for beginning in ["\u{FEFF}h", "h\0", "\u{1B}[1m", "h\u{7F}", "\u{430}", "h\r"] {
            let lines = Self.read("\(beginning) - - \(Self.time)\n")
            #expect(Self.fault(lines.first) == .noHost, "\(beginning.debugDescription)")
        }
        #expect(Self.fault(Self.read("h - - [1:\0]\n").first) == .noTime)
    }

    @Test func `takes hosts of 253 bytes and no longer`() {
        let host = String(repeating: "h", count: 253)
        #expect(Self.read("\(host) - - \(Self.time)") == [.call(host: host)])
        #expect(Self.fault(Self.read("h\(host) - - \(Self.time)").first) == .noHost)
    }

    @Test func `counts a line whose quote never ends`() {
        let log = """
            a - - \(Self.time) "GET / HTTP/1.1" 200 7 "-" "agent
            b - - \(Self.time) "GET / HTTP/1.1" 200 7 "-" "agent"

            """
        #expect(Self.read(log) == [.call(host: "a"), .call(host: "b")])
    }

    @Test func `does not mind what follows the time`() {
        for byte in UInt8.min...UInt8.max where byte != UInt8(ascii: "\n") {
            let line = Array("h - - \(Self.time)".utf8) + [byte, 0, 0xFF, 0xC0, byte]
            #expect(Self.read(line) == [.call(host: "h")])
        }
    }

    @Test func `tells line ends, a last line without one, and empty lines`() {
        let call = "h - - \(Self.time)"
        #expect(Self.read("") == [])
        #expect(Self.read(call) == [.call(host: "h")])
        #expect(Self.read("\(call)\n") == [.call(host: "h")])
        #expect(Self.read("\(call)\r\n\(call)\r\n") == [.call(host: "h"), .call(host: "h")])
        let empty = AccessLogLine.malformed(lineNumber: 1, excerpt: "", fault: .empty)
        #expect(Self.read("\n") == [empty])
        #expect(Self.read("\r\n\(call)") == [empty, .call(host: "h")])
        #expect(Self.fault(Self.read("\r").first) == .noHost)
    }

    @Test func `shows the first 80 bytes of a malformed line, safe to print`() {
        let bytes: [UInt8] = [0x1B, UInt8(ascii: "["), 0x00, 0xC3, 0xA9, 0x7F, 0x5C, 0x20]
        let line = bytes + [UInt8](repeating: UInt8(ascii: "x"), count: 100)
        let expected = #"\x1b[\x00\xc3\xa9\x7f\x5c "# + String(repeating: "x", count: 72)
        #expect(
            Self.read(Array("\n".utf8) + line).last
                == .malformed(lineNumber: 2, excerpt: expected, fault: .noHost))
    }

    @Test(arguments: [1, 4_096, 65_535, 65_536, 65_537, 65_538, .max])
    func `takes a line of 64 KiB and skips a longer one`(piece: Int) {
        let start = Array("h - - \(Self.time) ".utf8)
        let longest =
            start + [UInt8](repeating: 0, count: AccessLogReader.longestLine - start.count)
        let next = Array("\ni - - \(Self.time)\n".utf8)
        let fits: [AccessLogLine] = [.call(host: "h"), .call(host: "i")]
        #expect(Self.read(longest + next, piece: piece) == fits)
        #expect(Self.read(longest + [13] + next, piece: piece) == fits)
        #expect(Self.read(longest, piece: piece) == [.call(host: "h")])
        for tooLong in [longest + [0], longest + [13, 13], longest + [0, 13]] {
            let lines = Self.read(tooLong + next, piece: piece)
            #expect(lines.map(Self.fault) == [.tooLong, nil])
        }
        // Without LF the CR belongs to the line.
        #expect(Self.fault(Self.read(longest + [13], piece: piece).first) == .tooLong)
    }

    @Test func `skips a line of megabytes and goes on with the next`() {
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: 2_000_000)
        let lines = Self.read(line + Array("\nh - - \(Self.time)".utf8), piece: 8_192)
        let excerpt = String(repeating: "x", count: 80)
        #expect(
            lines == [
                .malformed(lineNumber: 1, excerpt: excerpt, fault: .tooLong), .call(host: "h"),
            ])
    }

    @Test func `says every fault in words`() {
        let reasons = AccessLogFault.allCases.map(\.reason)
        #expect(
            reasons == [
                "is empty", "does not begin with a host", "has no [time] after its host",
                "is longer than 65536 bytes",
            ])
    }

    @Test func `stops at the line that its reader throws on`() {
        struct Enough: Error {}
        var reader = AccessLogReader()
        let log = Array("a - - \(Self.time)\nb - - \(Self.time)\n".utf8)
        #expect(throws: Enough.self) {
            try reader.feed(log[...]) { _ in throw Enough() }
        }
        #expect(reader.calls == 1)
    }
}
