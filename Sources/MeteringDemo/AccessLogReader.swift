import Values

/// Reads an access log in pieces of any size and tells for each line whether it is a call.
///
/// LF ends a line, a CR right before it is not part of it, and a last line without LF counts.
/// Memory holds at most ``longestLine`` bytes and the piece at hand: a longer line is malformed and
/// its bytes are dropped as they come. Excerpts show printable ASCII as it is and every other
/// byte, and the backslash, as `\xnn`, so they are safe on a terminal and tell each byte.
///
/// ```swift
/// var reader = AccessLogReader()
/// reader.feed(piece) { line in … }
/// reader.finish { line in … }
/// ```
struct AccessLogReader: Sendable {
    /// The most bytes a line may have without its line end.
    static let longestLine = 65_536
    /// The most bytes of a malformed line that its excerpt shows.
    static let excerptBytes = 80

    /// Lines so far, which is always `calls` + `malformed`.
    var lines: Int { calls + malformed }
    private(set) var calls = 0
    private(set) var malformed = 0

    /// The incomplete line, which may be one byte longer for a CR that ends it.
    private var held: [UInt8] = []
    /// True while the rest of a line that is already too long passes; `held` is its start.
    private var skipping = false

    /// Takes the next piece and hands over each line that ends in it.
    ///
    /// When `body` throws, the rest of the piece is lost: end the reading there.
    mutating func feed(
        _ piece: ArraySlice<UInt8>, _ body: (AccessLogLine) throws -> Void
    ) rethrows {
        var rest = piece
        while let lineEnd = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let part = rest[..<lineEnd]
            rest = rest[rest.index(after: lineEnd)...]
            if held.isEmpty && !skipping {
                try body(classified(withoutCarriageReturn(part)))
            } else {
                hold(part)
                try body(releaseLine(endedByLineFeed: true))
            }
        }
        hold(rest)
    }

    /// Ends the log, and hands over its last line when that had no LF.
    mutating func finish(_ body: (AccessLogLine) throws -> Void) rethrows {
        guard !held.isEmpty else { return }
        try body(releaseLine(endedByLineFeed: false))
    }

    private mutating func hold(_ part: ArraySlice<UInt8>) {
        guard !skipping else { return }
        let free = Self.longestLine + 1 - held.count
        held.append(contentsOf: part.prefix(free))
        guard part.count > free else { return }
        skipping = true
        held = Array(held.prefix(Self.excerptBytes))
    }

    private mutating func releaseLine(endedByLineFeed: Bool) -> AccessLogLine {
        let line = endedByLineFeed ? withoutCarriageReturn(held[...]) : held[...]
        let answer = skipping ? refused(held[...], .tooLong) : classified(line)
        held.removeAll(keepingCapacity: true)
        skipping = false
        return answer
    }

    private mutating func classified(_ line: ArraySlice<UInt8>) -> AccessLogLine {
        guard line.count <= Self.longestLine else { return refused(line, .tooLong) }
        switch AccessLogRule.host(of: line) {
        case .success(let host):
            calls += 1
            return .call(host: host)
        case .failure(let fault): return refused(line, fault.kind)
        }
    }

    private mutating func refused(
        _ line: ArraySlice<UInt8>, _ fault: AccessLogFault
    ) -> AccessLogLine {
        malformed += 1
        return .malformed(lineNumber: lines, excerpt: Self.excerpt(of: line), fault: fault)
    }

    private func withoutCarriageReturn(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        line.last == UInt8(ascii: "\r") ? line.dropLast() : line
    }

    /// The beginning of a line in printable ASCII.
    static func excerpt(of line: ArraySlice<UInt8>) -> String {
        var text: [UInt8] = []
        for byte in line.prefix(excerptBytes) {
            if (0x20...0x7E).contains(byte) && byte != UInt8(ascii: "\\") {
                text.append(byte)
            } else {
                text += (byte < 16 ? "\\x0" : "\\x").utf8
                text += String(byte, radix: 16).utf8
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
