import Metering

extension JSON {
    /// The features in the application's table; an empty object when they are larger or deeper than
    /// this program reads.
    init(features text: String) {
        self = (try? JSON(text, bytesMax: PlanFile.bytesMax)) ?? .object([])
    }

    /// Every value that is not an object, as text, by the path of keys that leads to it. Empty
    /// objects count as values.
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
}
