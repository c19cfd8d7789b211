/// The path of the application's request, in one spelling only: percent signs decoded once, empty
/// parts and dots resolved. `/api//x/../%65xport?q=1` is `/api/export`, so that no spelling escapes
/// its rule.
struct GatewayPath: Sendable, Hashable {
    let parts: [String]
    /// Applications may read it differently: it has dot parts, empty parts, `;`, a backslash, or an
    /// encoded slash.
    let isDoubtful: Bool
    /// As some applications read a doubtful path; empty for a plain one.
    let otherReadings: [[String]]

    static let bytesMax = 8_192

    /// Nil for an invalid path: it does not start with a slash, is too long, or is not UTF-8.
    init?(_ text: String) {
        guard text.hasPrefix("/"), text.utf8.count <= Self.bytesMax else { return nil }
        let path = Array(text.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") })
        let once = Self.decoded(path)
        guard let decoded = String(validating: once, as: UTF8.self) else { return nil }
        parts = Self.resolved(Self.parts(of: decoded))
        let twice = String(decoding: Self.decoded(once), as: UTF8.self)
        // An encoded slash is one more than the text has.
        let slashes = path.count { $0 == UInt8(ascii: "/") }
        isDoubtful =
            twice.utf8.count { $0 == UInt8(ascii: "/") } != slashes
            || twice.utf8.contains { $0 == UInt8(ascii: ";") || $0 == UInt8(ascii: "\\") }
            || twice.contains("//") || Self.parts(of: twice).contains(where: Self.isDots)
        guard isDoubtful else {
            otherReadings = []
            return
        }
        // Split at slashes before or after decoding, and after decoding twice.
        let raw = String(decoding: path, as: UTF8.self)
        let splits = [
            Self.parts(of: raw).map {
                String(decoding: Self.decoded(Array($0.utf8)), as: UTF8.self)
            },
            Self.parts(of: decoded), Self.parts(of: twice),
        ]
        otherReadings = splits.flatMap { parts in
            // Some applications drop the text after `;` from a name, and read a backslash as a
            // slash.
            let cut = parts.map { String($0.prefix { $0 != ";" }) }
            let split = cut.flatMap { $0.split(separator: "\\").map(String.init) }
            return [parts, cut, split].flatMap { [$0, Self.resolved($0)] }
        }
    }

    private static func parts(of path: String) -> [String] {
        path.split(separator: "/").map(String.init)
    }

    private static func isDots(_ part: String) -> Bool { part == "." || part == ".." }

    private static func resolved(_ parts: [String]) -> [String] {
        var resolved: [String] = []
        for part in parts {
            switch part {
            case ".", "": continue
            case "..": _ = resolved.popLast()
            default: resolved.append(part)
            }
        }
        return resolved
    }

    /// A percent sign without two digits stands for itself.
    private static func decoded(_ path: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = path[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let high = hex(rest.first),
                let low = hex(rest.dropFirst().first)
            {
                bytes.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }

    private static func hex(_ byte: UInt8?) -> UInt8? {
        guard let byte, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
            return nil
        }
        return UInt8(digit)
    }
}
