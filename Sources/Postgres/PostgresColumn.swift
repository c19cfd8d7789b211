/// Names a column by its name or by its place, from 0. Literals of both kinds can be passed
/// directly.
public enum PostgresColumn: Sendable, Hashable, ExpressibleByStringLiteral,
    ExpressibleByIntegerLiteral
{
    case name(String)
    case index(Int)

    public init(stringLiteral name: String) { self = .name(name) }
    public init(integerLiteral index: Int) { self = .index(index) }
}
