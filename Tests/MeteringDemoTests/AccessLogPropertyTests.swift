import TestSupport
import Testing

@testable import MeteringDemo

/// Random logs against a second reading of the rule, written as one regular expression.
@Suite(.timed) struct `Access log, at random` {
    /// Pieces that lines are made of, so that almost-calls come up often.
    private static let pieces: [String] = [
        "h", "H.example", "::1", "[::1]", "-", " ", " ", "\t", "[", "]", "1", ":", "/", "x:", "\r",
        "\0", "\u{7F}", "\"", "é", "[17/May/2015:10:05:03 +0000]", " [1:2]", "h - - [1:2]",
    ]

    @Test func `agrees with a regular expression, line by line`() throws {
        let seed = Seed.current("agrees with a regular expression, line by line")
        var random = SplitMix64(seed: seed)
        for _ in 0..<3_000 {
            let line = (0..<Int.random(in: 0...8, using: &random))
                .map { _ in random.pick(Self.pieces) }.joined()
            let lines = `Access log`.read(Array(line.utf8) + [10])
            let host = try Self.hostByExpression(line.hasSuffix("\r") ? line.dropLast() : line[...])
            if let host {
                #expect(lines == [.call(host: host)], "\(line.debugDescription) seed \(seed)")
            } else {
                #expect(
                    `Access log`.fault(lines.first) != nil,
                    "\(line.debugDescription) seed \(seed)")
            }
        }
    }

    @Test func `does not depend on how the log is cut into pieces`() {
        let seed = Seed.current("does not depend on how the log is cut into pieces")
        var random = SplitMix64(seed: seed)
        for _ in 0..<200 {
            let alphabet = Array("hH1: -[]/\n\n\r\"".utf8) + [0, 0xFF]
            var log: [UInt8] = []
            for _ in 0..<Int.random(in: 0...30, using: &random) {
                if Bool.random(using: &random) {
                    log += Array("h - - [1:2] x".utf8) + random.pick([[10], [13, 10], []])
                }
                log += random.bytes(.random(in: 0...12, using: &random), from: alphabet)
            }
            let whole = `Access log`.read(log)
            for piece in [1, 2, 3, 7, Int.random(in: 1...64, using: &random)] {
                #expect(`Access log`.read(log, piece: piece) == whole, "seed \(seed)")
            }
            let ends = log.count { $0 == 10 }
            let expected = ends + (log.isEmpty || log.last == 10 ? 0 : 1)
            #expect(whole.count == expected, "seed \(seed)")
        }
    }

    private static func hostByExpression(_ line: Substring) throws -> String? {
        let expression = try Regex(
            #"^([0-9A-Za-z:\[][0-9A-Za-z._:%\[\]\-]{0,252})[ \t](?:[^\n]*[ \t])?\[(?=[^\]]*:)"#
                + #"[0-9][0-9A-Za-z/:+\-., ]{0,63}\]"#,
            as: (Substring, Substring).self
        ).matchingSemantics(.unicodeScalar)
        return line.prefixMatch(of: expression).map { String($0.output.1) }
    }
}
