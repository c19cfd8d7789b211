import Foundation

/// A JSON text that keeps its kinds of values apart.
///
/// `true` is not 1, and every key is kept, so that a caller can refuse an unknown one.
enum JSONTree: Decodable {
    case object([String: JSONTree])
    case leaf(SettingValue)

    init(file path: String) throws(SettingsError) {
        let data = try SmallFile.contents(of: path)
        do {
            self = try JSONDecoder().decode(JSONTree.self, from: data)
        } catch {
            throw .unreadable(path: path, reason: "is not JSON; check it with `jq . FILE`")
        }
        guard case .object = self else {
            throw .unreadable(
                path: path, reason: "does not hold an object: {\"http\": {\"port\": 8080}}")
        }
    }

    init(from decoder: any Decoder) throws {
        if let members = try? decoder.singleValueContainer().decode([String: JSONTree].self) {
            self = .object(members)
            return
        }
        let value = try decoder.singleValueContainer()
        if let flag = try? value.decode(Bool.self) {
            self = .leaf(.flag(flag))
        } else if let number = try? value.decode(Int.self) {
            self = .leaf(.integer(number))
        } else if let text = try? value.decode(String.self) {
            self = .leaf(.text(text))
        } else {
            self = .leaf(.other)
        }
    }

    /// Every value by its path, joined with points. An empty object is a leaf too, so that it is
    /// checked.
    var leaves: [String: SettingValue] {
        guard case .object(let members) = self else { return [:] }
        var all: [String: SettingValue] = [:]
        for (name, member) in members {
            switch member {
            case .leaf(let value): all[name] = value
            case .object: for (rest, value) in member.leaves { all["\(name).\(rest)"] = value }
            }
        }
        return all
    }
}
