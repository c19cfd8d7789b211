import Mustache

/// How text gets into a page: nothing that people typed can become markup.
///
/// Mustache's own escaping looks at characters, and a `"` with an accent on it is another character
/// that it lets through; a browser sees the `"` alone and the attribute ends. So scalars are looked
/// at here. Control characters become U+FFFD, because a page may not hold them.
struct HTMLEscaping: MustacheContentType {
    /// The name that every template gives in its first line.
    static let name = "PAGE"

    func escapeText(_ text: String) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
            case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
            case ">": escaped.append(contentsOf: "&gt;".unicodeScalars)
            case "\"": escaped.append(contentsOf: "&quot;".unicodeScalars)
            case "'": escaped.append(contentsOf: "&#39;".unicodeScalars)
            default:
                let isControl = scalar.properties.generalCategory == .control
                escaped.append(isControl ? "\u{FFFD}" : scalar)
            }
        }
        return String(escaped)
    }
}
