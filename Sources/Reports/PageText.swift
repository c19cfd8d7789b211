import Mustache

/// How text gets into a page: nothing that people typed can become markup.
///
/// Mustache's own escaping looks at characters, and a `"` with an accent on it is another character that it lets
/// through; a browser sees the `"` alone and the attribute ends. So scalars are looked at here. Control characters
/// become U+FFFD, because a page may not hold them.
struct PageText: MustacheContentType {
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

/// The templates of the page, read once.
enum PageTemplates {
    static let library: Result<MustacheLibrary, any Error> = Result {
        MustacheContentTypes.register(PageText(), named: PageText.name)
        var library = MustacheLibrary()
        for (name, bytes) in files {
            try library.register(String(decoding: bytes, as: UTF8.self), named: name)
        }
        return library
    }

    static let files = [
        ("page", PackageResources.page_mustache), ("columns", PackageResources.columns_mustache),
        ("bars", PackageResources.bars_mustache),
    ]

    static let style = String(decoding: PackageResources.style_css, as: UTF8.self)
    /// What the page's policy allows instead of every style; a test compares it with the file.
    static let styleHash = "sha256-CXkB9+MKYId3zSGapFe9ksXvUvYhgtXpFuSumO94gIU="
}
