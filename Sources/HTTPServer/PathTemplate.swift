/// `/v1/clinics/{id}/usage`: literal parts are compared byte for byte, `{…}` takes any one part,
/// and `{…*}` at the end all that follow.
public struct PathTemplate: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible
{
    public let description: String
    private let parts: [Substring]
    /// Whether the last part takes all that follow.
    let isOpenEnded: Bool

    public init(stringLiteral text: String) {
        precondition(text.hasPrefix("/"), "a path begins with a slash")
        description = text
        parts = Self.parts(of: text)
        isOpenEnded = text.hasSuffix("*}")
    }

    var isLiteral: Bool { !description.utf8.contains(UInt8(ascii: "{")) }

    /// The value of each parameter, or nil when the path does not match.
    func parameters(in path: [Substring]) -> [Substring]? {
        guard isOpenEnded ? path.count >= parts.count : path.count == parts.count else {
            return nil
        }
        var found: [Substring] = []
        for (part, template) in zip(path, parts) {
            if template.hasPrefix("{") {
                found.append(part)
            } else if part != template {
                return nil
            }
        }
        return found
    }

    static func parts(of path: String) -> [Substring] {
        path.split(separator: "/", omittingEmptySubsequences: false)
    }
}
