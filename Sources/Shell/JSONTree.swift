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

    /// Every value by its path, joined with dots.
    ///
    /// Refuses what would be passed over in silence: an object without members, and a key that
    /// holds a dot itself. Only the whole file may be empty.
    func leaves() throws(SettingsError) -> [String: SettingValue] {
        var all: [String: SettingValue] = [:]
        try collectLeaves(under: "", into: &all)
        return all
    }

    /// - Parameter prefix: The path so far with a dot at its end, or nothing.
    private func collectLeaves(
        under prefix: String, into all: inout [String: SettingValue]
    ) throws(SettingsError) {
        guard case .object(let members) = self else { return }
        // Sorted, so that a file with several mistakes always gives the same line.
        for (name, member) in members.sorted(by: { $0.key < $1.key }) {
            guard !name.contains(".") else { throw .dottedKey(name) }
            switch member {
            case .leaf(let value): all[prefix + name] = value
            case .object(let inner) where inner.isEmpty: throw .emptyObject(name: prefix + name)
            case .object: try member.collectLeaves(under: "\(prefix)\(name).", into: &all)
            }
        }
    }
}
