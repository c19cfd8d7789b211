import Metering
import Quotas

/// Which limit a path of the application is counted under, from `METERING_GATEWAY_RULES`.
///
/// `/api/export=export:10, /health=none, /=default`: the longest prefix that fits decides; `none` lets a
/// call through uncounted; a number behind a colon is the cost. What no prefix fits counts as `default`.
struct GatewayRules: Sendable, Hashable {
    enum Treatment: Sendable, Hashable {
        case free
        case counted(limit: String, cost: Int64)
    }

    private struct Rule: Hashable {
        /// Decoded parts of the path; `/` has none.
        let prefix: [String]
        let treatment: Treatment
    }

    /// Longer prefixes first.
    private let rules: [Rule]

    static let form = "PATH=LIMIT, PATH=LIMIT:COST or PATH=none, joined with commas, at most 100"
    static let rulesMax = 100

    /// Nil when the text has another form.
    init?(_ text: String) {
        var rules: [Rule] = []
        for entry in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let rule = Self.rule(entry.filter { $0 != " " }), rules.count < Self.rulesMax,
                !rules.contains(where: { $0.prefix == rule.prefix })
            else { return nil }
            rules.append(rule)
        }
        self.rules = rules.sorted { $0.prefix.count > $1.prefix.count }
    }

    private static func rule(_ text: String) -> Rule? {
        guard let equals = text.lastIndex(of: "="),
            let path = GatewayPath(String(text[..<equals]))
        else { return nil }
        let parts = text[text.index(after: equals)...]
            .split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        if parts == ["none"] { return Rule(prefix: path.parts, treatment: .free) }
        guard parts.count <= 2, parts[0] != "none", LimitID.isName(parts[0]),
            LimitCounter(rawValue: parts[0]) == nil,
            let cost = parts.count == 2 ? Int64(parts[1]) : 1, CheckRequest.costs.contains(cost)
        else { return nil }
        return Rule(prefix: path.parts, treatment: .counted(limit: parts[0], cost: cost))
    }

    func treatment(of path: GatewayPath) -> Treatment {
        rules.first { path.parts.starts(with: $0.prefix) }?.treatment
            ?? .counted(limit: LimitID.defaultName, cost: 1)
    }
}

/// The path of the application's request, in one spelling only: percent signs decoded once, empty parts and
/// dots resolved. `/api//x/../%65xport?q=1` is `/api/export`, so that no spelling escapes its rule.
struct GatewayPath: Sendable, Hashable {
    let parts: [String]

    static let bytesMax = 8_192

    /// Nil for what is no path: it does not begin with a slash, is too long, or is not UTF-8.
    init?(_ text: String) {
        guard text.hasPrefix("/"), text.utf8.count <= Self.bytesMax else { return nil }
        var parts: [String] = []
        let path = text.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        guard let decoded = Self.decoded(path) else { return nil }
        for part in decoded.split(separator: "/") {
            switch part {
            case ".": continue
            case "..": _ = parts.popLast()
            default: parts.append(String(part))
            }
        }
        self.parts = parts
    }

    /// A percent sign without two digits stands for itself.
    private static func decoded(_ path: some Collection<UInt8>) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(path)[...]
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
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hex(_ byte: UInt8?) -> UInt8? {
        guard let byte, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
            return nil
        }
        return UInt8(digit)
    }
}
