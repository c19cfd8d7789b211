import Configuration
public import Logging
import Values
import Values

/// The settings of one program: the environment, then a JSON file, then the defaults of its table.
///
/// Everything is checked when this is made, so reading finds only what its key allows.
public struct Settings: Sendable {
    private let reader: ConfigReader
    private let given: Set<SettingKey>
    /// What is odd but no reason to stop, one line each.
    public let warnings: [String]

    /// - Parameters:
    ///   - keys: All settings of the program.
    ///   - prefix: Variables that begin so are the program's own; an unknown one is refused.
    public init(
        keys: [SettingKey], environment: [String: String], file: String? = nil,
        prefix: String? = nil
    ) throws(SettingsError) {
        let source = try SettingsSource(environment: environment, keys: keys, prefix: prefix)
        let secrets = Set(keys.filter(\.isSecret).map(\.environmentName))
        var providers: [any ConfigProvider] = [
            EnvironmentVariablesProvider(
                environmentVariables: source.variables, secretsSpecifier: .specific(secrets))
        ]
        var exposed = source.exposed
        var given = Set(source.values.keys)
        if let file {
            let source = try SettingsSource(file: file, keys: keys)
            providers.append(InMemoryProvider(name: "file", values: source.providerValues))
            exposed += source.exposed
            given.formUnion(source.values.keys)
        }
        providers.append(InMemoryProvider(name: "defaults", values: Self.defaults(of: keys)))
        reader = ConfigReader(providers: providers)
        self.given = given
        warnings = exposed.map { "the file of \($0) can be read by every user; chmod 600 is safer" }
    }

    /// Whether the environment or the file sets it, so that its default is not used.
    public func isGiven(_ key: SettingKey) -> Bool { given.contains(key) }

    /// A secret, or nil when it is not set.
    public func secret(_ key: SettingKey) -> String? {
        reader.string(forKey: ConfigKey(key.path), isSecret: true)
    }

    public func required(secret key: SettingKey) throws(SettingsError) -> String {
        guard let text = secret(key) else { throw .missing(key) }
        return text
    }

    public func text(_ key: SettingKey) throws(SettingsError) -> String {
        try found(key) { try reader.requiredString(forKey: $0) }
    }

    /// The path of a file, or nil when it is not set.
    public func path(_ key: SettingKey) -> String? { reader.string(forKey: ConfigKey(key.path)) }

    public func integer(_ key: SettingKey) throws(SettingsError) -> Int {
        try found(key) { try reader.requiredInt(forKey: $0) }
    }

    public func flag(_ key: SettingKey) throws(SettingsError) -> Bool {
        try found(key) { try reader.requiredBool(forKey: $0) }
    }

    public func duration(_ key: SettingKey) throws(SettingsError) -> Duration {
        guard let duration = Duration(text: try text(key)) else { throw .missing(key) }
        return duration
    }

    public func logLevel(_ key: SettingKey) throws(SettingsError) -> Logger.Level {
        guard let level = Logger.Level(rawValue: try text(key)) else { throw .missing(key) }
        return level
    }

    /// A key that is not in the table has no default, so asking for it fails instead of guessing.
    private func found<Value>(
        _ key: SettingKey, _ read: (ConfigKey) throws -> Value
    ) throws(SettingsError) -> Value {
        do { return try read(ConfigKey(key.path)) } catch { throw .missing(key) }
    }

    private static func defaults(of keys: [SettingKey]) -> [AbsoluteConfigKey: ConfigValue] {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for key in keys {
            let content: ConfigContent? =
                switch key.kind {
                case .text(let text), .choice(_, let text): .string(text)
                case .integer(_, let number): .int(number)
                case .duration(_, let duration): .string(duration.text)
                case .flag(let flag): .bool(flag)
                case .path, .secret: nil
                }
            guard let content else { continue }
            values[AbsoluteConfigKey(key.path)] = ConfigValue(content, isSecret: false)
        }
        return values
    }
}

/// Nothing that prints a value may look inside: there are passwords.
extension Settings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "Settings" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
