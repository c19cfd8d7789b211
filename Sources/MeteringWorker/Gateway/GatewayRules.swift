import Metering
import Quotas

/// Which limit a path of the application is counted under, from `METERING_GATEWAY_RULES`.
///
/// `/api/export=export:10, /health=none, /=default`: the longest prefix that fits decides; `none`
/// lets a call through uncounted; a number after a colon is the cost. A path that no prefix fits
/// counts as `default`.
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

    /// Where applications may read a path differently, its most expensive reading counts, and it is
    /// never free.
    func treatment(of path: GatewayPath) -> Treatment {
        var dearest = treatment(of: path.parts)
        guard path.isDoubtful else { return dearest }
        for parts in path.otherReadings {
            let treatment = treatment(of: parts)
            if treatment.cost > dearest.cost { dearest = treatment }
        }
        return dearest == .free ? Self.unnamed : dearest
    }

    private static let unnamed = Treatment.counted(limit: LimitID.defaultName, cost: 1)

    private func treatment(of parts: [String]) -> Treatment {
        rules.first { parts.starts(with: $0.prefix) }?.treatment ?? Self.unnamed
    }
}

extension GatewayRules.Treatment {
    fileprivate var cost: Int64 {
        if case .counted(_, let cost) = self { cost } else { 0 }
    }
}
