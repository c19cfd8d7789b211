import Mustache

/// The templates of the page, read once.
enum HTMLTemplates {
    static let library: Result<MustacheLibrary, any Error> = Result {
        MustacheContentTypes.register(HTMLEscaping(), named: HTMLEscaping.name)
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
