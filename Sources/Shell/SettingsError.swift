import Values

/// Why the settings cannot be used. Each description is one line that ends with what to do.
///
/// Holds no value of a secret.
public enum SettingsError: Error, Hashable {
    /// No setting has this name, so it is probably misspelt.
    case unknown(name: String, nearest: String?)
    /// `value` is nil for a secret.
    case notAllowed(name: String, value: String?, allowed: String, default: String?)
    case missing(SettingKey)
    /// A secret is given twice in one place.
    case bothSet(String, String)
    case unreadable(path: String, reason: String)
    /// An object without members stands where the file should have a value, or in a group.
    case emptyObject(name: String)
    /// The file writes a path as one key. The value is not shown, because it may be a secret.
    case dottedKey(String)
}

extension SettingsError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknown(let name, let nearest):
            "\(TerminalText.quoted(name)) is not a setting"
                + (nearest.map { "; the nearest one is \($0)" } ?? "")
                + " (docs/configuration.md lists all)"
        case .notAllowed(let name, let value, let allowed, let standard):
            "\(name) "
                + (value.map { "is \(TerminalText.quoted($0))" } ?? "is not usable")
                + "; allowed: \(allowed)" + (standard.map { " (default \($0))" } ?? "")
        case .missing(let key):
            "\(key.environmentName) is not set; set it to \(key.kind.allowed), or "
                + "\(key.environmentName)_FILE to the path of a file that holds it"
        case .bothSet(let first, let second):
            "\(first) and \(second) are both set; keep one of them"
        case .unreadable(let path, let reason):
            "\(TerminalText.quoted(path)) \(reason)"
        case .emptyObject(let name):
            "\(TerminalText.quoted(name)) is {}, which sets nothing; remove it, or write a value"
        case .dottedKey(let key):
            "\(TerminalText.quoted(key)) is one key with a dot; write \(Self.nested(key))"
        }
    }
    /// `http.port` → `{"http": {"port": VALUE}}`.
    private static func nested(_ key: String) -> String {
        key.split(separator: ".", omittingEmptySubsequences: false).reversed()
            .reduce("VALUE") { inner, part in "{\(TerminalText.quoted(String(part))): \(inner)}" }
    }
}
