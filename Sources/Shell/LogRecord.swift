import FoundationEssentials
import Logging

/// One line of the log as a JSON object: `ts`, `level`, `label`, `message`, and `metadata` where
/// there is any.
///
/// Every record is valid JSON of at most `bytesMax` bytes: long texts are cut, and metadata that is
/// too long is replaced with its size.
struct LogRecord {
    static let bytesMax = 16_384
    private static let messageMax = 4_096
    private static let valueMax = 2_048
    private static let depthMax = 4

    let text: String

    init(
        time: Date, level: Logger.Level, label: String, message: String, metadata: Logger.Metadata
    ) {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        var line = "{\"ts\":\"\(time.formatted(style))\",\"level\":\"\(level)\",\"label\":"
        line += Self.quoted(label, most: 256)
        line += ",\"message\":\(Self.quoted(message, most: Self.messageMax))"
        if !metadata.isEmpty {
            let object = Self.json(.dictionary(metadata), depth: 0)
            let isTooLong = line.utf8.count + object.utf8.count + 16 > Self.bytesMax
            line +=
                isTooLong
                ? ",\"metadata\":{\"omitted_bytes\":\"\(object.utf8.count)\"}"
                : ",\"metadata\":\(object)"
        }
        text = line + "}"
    }

    private static func json(_ value: Logger.MetadataValue, depth: Int) -> String {
        guard depth < depthMax else { return quoted("\(value)", most: valueMax) }
        switch value {
        case .string(let text): return quoted(text, most: valueMax)
        case .stringConvertible(let value): return quoted("\(value)", most: valueMax)
        case .array(let values):
            return "[\(values.map { json($0, depth: depth + 1) }.joined(separator: ","))]"
        case .dictionary(let members):
            let pairs = members.sorted { $0.key < $1.key }.map { key, value in
                "\(quoted(key, most: 256)):\(json(value, depth: depth + 1))"
            }
            return "{\(pairs.joined(separator: ","))}"
        }
    }

    /// A string by RFC 8259, cut after `most` bytes. What could end a line or move a terminal is
    /// escaped too.
    private static func quoted(_ text: String, most: Int) -> String {
        var quoted = "\""
        var bytes = 0
        for scalar in text.unicodeScalars {
            let piece = piece(scalar)
            bytes += piece.utf8.count
            guard bytes <= most else {
                quoted += "…"
                break
            }
            quoted += piece
        }
        return quoted + "\""
    }

    private static func piece(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"": return "\\\""
        case "\\": return "\\\\"
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}", "\u{2028}", "\u{2029}":
            let digits = String(scalar.value, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: return String(scalar)
        }
    }
}
