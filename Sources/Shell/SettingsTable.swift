/// The list of settings as Markdown, for docs/configuration.md.
public enum SettingsTable {
    /// One row for each key: both names, default, allowed values, meaning.
    public static func table(of keys: [SettingKey]) -> String {
        var text = "| variable | in the file | default | allowed | what it does |\n"
        text += "|---|---|---|---|---|\n"
        for key in keys {
            let standard = key.kind.defaultText.map { "`\($0)`" } ?? "none"
            text += "| `\(key.environmentName)` | `\(key.fileName)` | \(standard) "
            let allowed = key.isSecret ? "`\(key.kind.allowed)`" : key.kind.allowed
            text += "| \(allowed) | \(key.meaning) |\n"
        }
        return text
    }
}
