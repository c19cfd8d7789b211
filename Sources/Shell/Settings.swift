public import Logging
import Values

/// The settings of one program: the environment, then a JSON file, then the defaults of its table.
///
/// The initializer checks everything, so reading finds only values that the key allows.
public struct Settings: Sendable {
    private let values: [SettingKey: SettingValue]
    private let given: Set<SettingKey>
    /// Warnings that do not stop the program, one line each.
    public let warnings: [String]

    /// - Parameters:
    ///   - keys: All settings of the program.
    ///   - prefix: Variables with this prefix are the program's own; an unknown one is refused.
    public init(
        keys: [SettingKey], environment: [String: String], file: String? = nil,
        prefix: String? = nil
    ) throws(SettingsError) {
        let variables = try SettingsSource(environment: environment, keys: keys, prefix: prefix)
        let members = try file.map { path throws(SettingsError) in
            try SettingsSource(file: path, keys: keys)
        }
        let given = (members?.values ?? [:]).merging(variables.values) { $1 }
        let defaults = keys.compactMap { key in key.kind.defaultValue.map { (key, $0) } }
        values = Dictionary(defaults) { $1 }.merging(given) { $1 }
        self.given = Set(given.keys)
        warnings = (variables.exposed + (members?.exposed ?? []))
            .map { "the file of \($0) can be read by every user; chmod 600 is safer" }
    }

    /// Whether the environment or the file sets it, instead of its default.
    public func isGiven(_ key: SettingKey) -> Bool { given.contains(key) }

    /// A secret, or nil when it is not set.
    public func secret(_ key: SettingKey) -> String? { values[key]?.text }

    public func required(secret key: SettingKey) throws(SettingsError) -> String {
        try found(secret(key), key)
    }

    public func text(_ key: SettingKey) throws(SettingsError) -> String {
        try found(values[key]?.text, key)
    }

    /// The path of a file, or nil when it is not set.
    public func path(_ key: SettingKey) -> String? { values[key]?.text }

    public func integer(_ key: SettingKey) throws(SettingsError) -> Int {
        guard case .integer(let number) = values[key] else { throw .missing(key) }
        return number
    }

    public func flag(_ key: SettingKey) throws(SettingsError) -> Bool {
        guard case .flag(let flag) = values[key] else { throw .missing(key) }
        return flag
    }

    public func duration(_ key: SettingKey) throws(SettingsError) -> Duration {
        try found(Duration(text: text(key)), key)
    }

    public func logLevel(_ key: SettingKey) throws(SettingsError) -> Logger.Level {
        try found(Logger.Level(rawValue: text(key)), key)
    }

    /// A key that is not in the table has no default, so asking for it fails instead of guessing.
    private func found<Value>(
        _ value: Value?, _ key: SettingKey
    ) throws(SettingsError) -> Value {
        guard let value else { throw .missing(key) }
        return value
    }
}

/// Nothing that prints a value may look inside, because it holds passwords.
extension Settings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "Settings" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
