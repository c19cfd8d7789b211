import Metering

extension JSON {
    /// What the application's table holds; nothing when it is larger or deeper than is read here.
    init(features text: String) {
        self = (try? JSON(text, bytesMax: PlanFile.bytesMax)) ?? .object([])
    }

    /// Everything that is no object, as text, by the keys that lead to it. An empty object is there too.
    var leaves: [String: String] {
        guard case .object(let members) = self else { return [:] }
        var leaves: [String: String] = [:]
        for member in members {
            let inner = member.value.leaves
            if inner.isEmpty { leaves[member.key] = "\(member.value)" }
            for (path, text) in inner { leaves["\(member.key).\(path)"] = text }
        }
        return leaves
    }

    /// Members of `other` in place of those of the same key; what it does not name stays, as with `||` of
    /// jsonb.
    func merged(with other: JSON) -> JSON {
        guard case .object(let new) = other else { return other }
        guard case .object(let old) = self else { return other }
        let keys = Set(new.map(\.key))
        return .object(old.filter { !keys.contains($0.key) } + new)
    }
}
