/// The settings from one place (the environment, the file), checked, with secrets read.
struct SettingsSource {
    private(set) var values: [SettingKey: SettingValue] = [:]
    /// Secret files that other users of the machine can read.
    private(set) var exposed: [String] = []
    /// The form of a path in this place: `HTTP_PORT` or `http.port`.
    private let name: ([String]) -> String

    /// The variables of `keys`, and any other with `prefix` refused. An empty variable counts as
    /// not set.
    ///
    /// Variables that start with `METERING_TEST_` belong to the tests and are ignored.
    init(
        environment: [String: String], keys: [SettingKey], prefix: String?
    ) throws(SettingsError) {
        name = { $0.joined(separator: "_").uppercased() }
        let given = environment.filter { !$0.value.isEmpty }
        try read(keys) { key, name in given[name].map { key.kind.value(of: $0) } }
        guard let prefix else { return }
        let known = keys.flatMap { [$0.path] + [$0.pathOfFile].compactMap(\.self) }.map(name)
        let own = given.keys.filter { $0.hasPrefix(prefix) && !$0.hasPrefix("\(prefix)TEST_") }
        try Self.refuseUnknown(Set(own), known: known)
    }

    /// The values of a JSON file, and any other key in it refused.
    init(file path: String, keys: [SettingKey]) throws(SettingsError) {
        name = { $0.joined(separator: ".") }
        let leaves = try JSONTree(file: path).leaves()
        let known = keys.flatMap { [$0.path] + [$0.pathOfFile].compactMap(\.self) }.map(name)
        try Self.refuseUnknown(Set(leaves.keys), known: known)
        try read(keys) { _, name in leaves[name] }
    }

    private mutating func read(
        _ keys: [SettingKey], _ find: (SettingKey, String) -> SettingValue?
    ) throws(SettingsError) {
        for key in keys {
            let value = find(key, name(key.path))
            if let pathOfFile = key.pathOfFile, let place = find(key, name(pathOfFile)) {
                guard value == nil else {
                    throw .bothSet(name(key.path), name(pathOfFile))
                }
                values[key] = .text(try secret(in: place, named: name(pathOfFile)))
            } else if let value {
                guard key.kind.allows(value) else { throw refusal(of: value, for: key) }
                values[key] = value
            }
        }
    }

    private mutating func secret(
        in place: SettingValue, named name: String
    ) throws(SettingsError) -> String {
        guard case .text(let path) = place else {
            throw .notAllowed(name: name, value: nil, allowed: "the path of a file", default: nil)
        }
        let file = try SecretFile(path: path, name: name)
        if file.isReadableByOthers { exposed.append(name) }
        return file.text
    }

    private func refusal(of value: SettingValue, for key: SettingKey) -> SettingsError {
        var allowed = key.kind.allowed
        if case .duration = key.kind {
            allowed += ", a whole number with its unit: ms, s, m, h or d"
        }
        return .notAllowed(
            name: name(key.path), value: key.isSecret ? nil : value.description, allowed: allowed,
            default: key.kind.defaultText)
    }

    /// The first by name, so that a mistake always gives the same line.
    private static func refuseUnknown(
        _ names: Set<String>, known: [String]
    ) throws(SettingsError) {
        guard let wrong = names.subtracting(known).min() else { return }
        throw .unknown(name: wrong, nearest: NearestWord.to(wrong, among: known))
    }
}
