/// One SQL statement: the name it is known by in our sources, and its text with `$1`, `$2`, …
public struct PostgresStatement: Sendable, Hashable {
    public let name: String
    public let text: String

    public init(name: String, text: String) {
        self.name = name
        self.text = text
    }
}

extension PostgresStatement: CustomStringConvertible {
    /// The name. The text stays out of logs.
    public var description: String { name }
}
