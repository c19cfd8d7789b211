import Values

/// The five characters by which PostgreSQL names a condition, for example `23505`.
public struct SQLState: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    public let code: String

    /// Returns nil unless `code` is five digits or capital letters of ASCII.
    public init?(_ code: some StringProtocol) {
        let allowed = code.utf8.allSatisfy { $0.isASCIIDigit || (0x41...0x5A).contains($0) }
        guard allowed, code.utf8.count == 5 else { return nil }
        self.code = String(code)
    }

    /// Names a condition in source code. A literal that is no SQLSTATE is a mistake of the
    /// programmer.
    public init(stringLiteral code: StaticString) {
        guard let state = SQLState(code.description) else {
            preconditionFailure("a SQLSTATE has five digits or capital letters")
        }
        self = state
    }

    /// The first two characters: the class of the condition.
    public var classCode: Substring { code.prefix(2) }

    /// The transaction was a victim of others and may succeed when it is run again.
    public var isRetryable: Bool { self == .serializationFailure || self == .deadlockDetected }
    /// The connection failed or the server ended it (classes 08 and 57P).
    public var isConnection: Bool { classCode == "08" || code.hasPrefix("57P") }
    /// The server ran out of memory, disk or connections (class 53).
    public var isResources: Bool { classCode == "53" }
    /// A value was refused: it does not fit its type or breaks a constraint (classes 22 and 23).
    public var isData: Bool { classCode == "22" || classCode == "23" }
    /// The role may not do this (42501), or may not log in (class 28).
    public var isPermission: Bool { self == .insufficientPrivilege || isAuthentication }
    /// The role or its password was refused (class 28).
    public var isAuthentication: Bool { classCode == "28" }

    /// `23505 unique_violation`, or only the code where we know no name.
    public var description: String { conditionName.map { "\(code) \($0)" } ?? code }
}

extension SQLState {
    public static let serializationFailure: SQLState = "40001"
    public static let deadlockDetected: SQLState = "40P01"
    public static let uniqueViolation: SQLState = "23505"
    public static let foreignKeyViolation: SQLState = "23503"
    public static let checkViolation: SQLState = "23514"
    public static let notNullViolation: SQLState = "23502"
    public static let invalidTextRepresentation: SQLState = "22P02"
    public static let insufficientPrivilege: SQLState = "42501"
    public static let undefinedTable: SQLState = "42P01"
    public static let lockNotAvailable: SQLState = "55P03"
    public static let duplicatePreparedStatement: SQLState = "42P05"
    public static let undefinedPreparedStatement: SQLState = "26000"
    public static let featureNotSupported: SQLState = "0A000"
    public static let undefinedDatabase: SQLState = "3D000"
}
