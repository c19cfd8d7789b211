/// What `Migrator.apply` did.
public struct MigrationOutcome: Hashable, Sendable {
    /// In the order in which they ran.
    public let steps: [MigrationStep]
    /// How many tables for months it made.
    public let partitions: Int64
    /// What triggers missed before it made or enabled them, and could not be redone: a line each.
    public let lost: [String]

    public var files: [MigrationFile] { steps.files }
    public var functions: [String] { steps.functions }
    public var statements: [String] { steps.statements }
    public var isEmpty: Bool { steps.isEmpty && partitions == 0 }
}
