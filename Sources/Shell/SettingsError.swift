/// Why the settings cannot be used. Each description is one line that ends with what to do.
///
/// Holds no value of a secret.
public enum SettingsError: Error, Hashable {
    /// Nobody reads this name, so it is probably misspelt.
    case unknown(name: String, nearest: String)
    /// `value` is nil for a secret.
    case notAllowed(name: String, value: String?, allowed: String, default: String?)
    case missing(SettingKey)
    /// A secret is given twice in one place.
    case bothSet(String, String)
    case unreadable(path: String, reason: String)
}

extension SettingsError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknown(let name, let nearest):
            "\(Console.shown(name)) is not a setting; the nearest one is \(nearest)"
                + " (docs/configuration.md lists all)"
        case .notAllowed(let name, let value, let allowed, let standard):
            "\(name) "
                + (value.map { "is \(Console.shown($0))" } ?? "is not usable")
                + "; allowed: \(allowed)" + (standard.map { " (default \($0))" } ?? "")
        case .missing(let key):
            "\(key.environmentName) is not set; set it to \(key.kind.allowed), or "
                + "\(key.environmentName)_FILE to the path of a file that holds it"
        case .bothSet(let first, let second):
            "\(first) and \(second) are both set; keep one of them"
        case .unreadable(let path, let reason):
            "\(Console.shown(path)) \(reason)"
        }
    }
}

/// The word that a misspelt one most likely stands for.
enum NearestWord {
    /// - Returns: nil only when there are no words. The first of several that are equally near.
    static func to(_ wrong: String, among words: [String]) -> String? {
        words.min { distance(wrong, $0) < distance(wrong, $1) }
    }

    /// The insertions, deletions and replacements of bytes that turn one text into the other.
    ///
    /// `CHEKPOINT` to `CHECKPOINT` is 1. A name of the environment may be 128 KiB long, so only the
    /// first 100 bytes count.
    static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.utf8.prefix(100)), Array(right.utf8.prefix(100)))
        var row = Array(0...right.count)
        for (line, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for (column, other) in right.enumerated() {
                let replaced = diagonal + (byte == other ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
            }
        }
        return row[right.count]
    }
}
