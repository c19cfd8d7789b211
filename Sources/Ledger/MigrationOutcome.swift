/// What `Migrator.apply` did.
public struct MigrationOutcome: Hashable, Sendable {
    /// The files that it applied, in the order in which they ran.
    public let files: [MigrationFile]
    /// The names of functions and views that it applied.
    public let functions: [String]
    /// The statements that put triggers on the application's tables right, beside those that files
    /// made.
    public let statements: [String]

    public var isEmpty: Bool { files.isEmpty && functions.isEmpty && statements.isEmpty }
}
