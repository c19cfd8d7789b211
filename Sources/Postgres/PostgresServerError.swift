/// What the server said when it refused a statement.
///
/// The description prints the SQLSTATE and the names of schema objects. PostgreSQL puts row values
/// and parameters into its message and detail, so those are properties of their own, marked unsafe.
public struct PostgresServerError: Error, Sendable, Hashable {
    public let sqlState: SQLState
    public let schema: String?
    public let table: String?
    public let column: String?
    public let constraint: String?
    public let dataType: String?
    /// The server's own function that raised the error; the same in every language.
    public let routine: String?
    /// Where in the statement, in characters from 1, when the server says so.
    public let position: Int?
    /// The line of the statement or script that `position` lies on, from 1.
    public internal(set) var line: Int?
    /// Which statement of a script failed, from 1; nil outside scripts.
    public internal(set) var statementNumber: Int?

    /// May contain row values, parameters and statement text. Never log it.
    public let unsafeMessage: String
    /// May contain whole rows. Never log it. Our own triggers put numbers for the caller here.
    public let unsafeDetail: String?
    public let unsafeHint: String?
}

extension PostgresServerError: CustomStringConvertible {
    public var description: String {
        var text = "PostgreSQL refused the statement: \(sqlState)"
        let names = [
            ("constraint", constraint), ("table", table), ("column", column), ("type", dataType),
        ]
        for (kind, name) in names {
            if let name { text += ", \(kind) \(name)" }
        }
        if let statementNumber { text += ", statement \(statementNumber)" }
        if let line { text += ", line \(line)" }
        return text
    }
}

extension PostgresServerError: CustomDebugStringConvertible {
    /// As `description`, so that an enclosing value that is printed leaks nothing either.
    public var debugDescription: String { description }
}

extension PostgresError: CustomDebugStringConvertible {
    public var debugDescription: String { description }
}
