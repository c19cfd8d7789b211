/// The two ways into a database.
public enum MigrationWay: String, Hashable, Sendable {
    /// The application's tables are not there: they are made, and belong to `metering_owner`.
    case new
    /// The team's tables are there and stay theirs; what metering needs is added.
    case attached
}

/// What `migrate` would do, for `--dry-run`.
public struct MigrationSurvey: Sendable {
    public let way: MigrationWay
    /// What `apply` would do, in order. Of statements those that the catalog shows now.
    public let steps: [MigrationStep]
    /// The application's tables as they are. Empty in a new database and once it is attached.
    public let tables: [FoundTable]
    /// What would be taken over of `api_usage`; nil when there is none or it was done.
    public let usage: FoundUsage?

    public var files: [MigrationFile] { steps.files }
    public var functions: [String] { steps.functions }
    public var statements: [String] { steps.statements }

    /// One of the application's tables, and what is there under its name.
    public struct FoundTable: Sendable {
        public let name: String
        /// nil: it is missing, and would be made as in a new database.
        public let found: Found?

        public struct Found: Sendable {
            public let owner: String
            public let hasRowSecurity: Bool
            /// The planner's estimate; nil when it has none.
            public let rows: Int64?
            /// On disk, with indexes.
            public let bytes: Int64
        }
    }

    public struct FoundUsage: Sendable {
        /// Rows of the running month or later: they start its totals.
        public let rowsNow: Int64
        /// Earlier months, which are never summed again.
        public let monthsBefore: Int64
    }
}
