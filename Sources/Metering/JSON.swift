/// JSON as it is written: numbers keep their digits, and members their order.
///
/// For what people write and others rely on, such as plans: an object that names a key twice is
/// refused (PostgreSQL's jsonb would keep the last one and say nothing), no number becomes a
/// fraction of binary digits, and size and depth are bounded.
public enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    /// The digits as written: `-1`, `0.10`, `1e3`.
    case number(String)
    case text(String)
    case list([JSON])
    case object([Member])

    public struct Member: Hashable, Sendable {
        public let key: String
        public let value: JSON

        public init(key: String, value: JSON) {
            self.key = key
            self.value = value
        }
    }

    /// Objects and lists inside each other, at most.
    public static let depthMax = 32

    /// - Parameter bytesMax: The longest text that is read.
    public init(_ text: String, bytesMax: Int) throws(JSONFault) {
        try self.init(bytes: Array(text.utf8), bytesMax: bytesMax)
    }

    /// - Parameter bytes: Of a file or a message; what is no UTF-8 is refused.
    public init(bytes: [UInt8], bytesMax: Int) throws(JSONFault) {
        guard bytes.count <= bytesMax else {
            throw JSONFault(path: [], line: 1, problem: "is longer than \(bytesMax) bytes")
        }
        var reader = JSONReader(bytes)
        self = try reader.document()
    }

    /// The member of an object; nil when it has none of that key, or is no object.
    public subscript(key: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    /// What it is, for a message: `a number`.
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .number: "a number"
        case .text: "a string"
        case .list: "a list"
        case .object: "an object"
        }
    }
}

extension JSON: CustomStringConvertible {
    /// The value on one line, with blanks as jsonb prints them; numbers as they were written.
    public var description: String {
        var text = ""
        write(to: &text, indent: nil)
        return text
    }

    /// The value for a person: one member on each line, two blanks for each level.
    public var indented: String {
        var text = ""
        write(to: &text, indent: 0)
        return text
    }

    private func write(to text: inout String, indent: Int?) {
        switch self {
        case .null: text += "null"
        case .bool(let flag): text += flag ? "true" : "false"
        case .number(let digits): text += digits
        case .text(let content): text += Self.quoted(content)
        case .list(let elements):
            // Numbers in a row are easier to read in a row.
            let isFlat = elements.allSatisfy { if case .number = $0 { true } else { false } }
            Self.write(elements, "[", "]", to: &text, indent: isFlat ? nil : indent) {
                $0.write(to: &$1, indent: $2)
            }
        case .object(let members):
            Self.write(members, "{", "}", to: &text, indent: indent) { member, text, indent in
                text += Self.quoted(member.key) + ": "
                member.value.write(to: &text, indent: indent)
            }
        }
    }

    private static func write<Part>(
        _ parts: [Part], _ open: String, _ close: String, to text: inout String, indent: Int?,
        _ body: (Part, inout String, Int?) -> Void
    ) {
        text += open
        let inner = indent.map { $0 + 2 }
        for (place, part) in parts.enumerated() {
            if place > 0 { text += indent == nil ? ", " : "," }
            if let inner { text += "\n" + String(repeating: " ", count: inner) }
            body(part, &text, inner)
        }
        if let indent, !parts.isEmpty { text += "\n" + String(repeating: " ", count: indent) }
        text += close
    }

    private static func quoted(_ content: String) -> String {
        var text = "\""
        for scalar in content.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case ..<" ", "\u{7F}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
