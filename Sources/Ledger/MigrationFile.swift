/// One file of `Migrations/`: a step that a database takes once.
public struct MigrationFile: Hashable, Sendable {
    /// Its number, from 1.
    public let version: Int64
    /// The name of the file, for example `V0007_usage.sql`.
    public let name: String
    public let text: String

    init(version: Int64, name: String, text: String) {
        self.version = version
        self.name = name
        self.text = text
    }

    /// A query that answers, from the catalog, the statements still to be run with the rights of
    /// the connecting role. It is asked until it answers none, so an interrupted run goes on by
    /// itself.
    var answersStatements: Bool { text.hasPrefix(ConnectingRoleStep.firstLine) }

    /// Runs with the rights of the connecting role; every other file runs as `metering_owner`.
    var runsAsConnectingRole: Bool { text.hasPrefix("-- as the connecting role\n") }

    /// All files of this program for a database without the application's tables.
    public static let all: [MigrationFile] = files(.new)

    /// All files of this program for a database that has the team's tables.
    public static let attaching: [MigrationFile] = files(.attached)

    private static func files(_ way: MigrationWay) -> [MigrationFile] {
        [
            file(1, "V0001_foundation", PackageResources.V0001_foundation_sql),
            way == .new
                ? file(2, "V0002_new_installation", PackageResources.V0002_new_installation_sql)
                : file(2, "V0002_attach_rights", PackageResources.V0002_attach_rights_sql),
            file(3, "V0003_application_tables", PackageResources.V0003_application_tables_sql),
            way == .new
                ? file(4, "V0004_new_indexes", PackageResources.V0004_new_indexes_sql)
                : file(4, "V0004_attach_indexes", PackageResources.V0004_attach_indexes_sql),
            file(5, "V0005_policies", PackageResources.V0005_policies_sql),
            file(6, "V0006_grants", PackageResources.V0006_grants_sql),
            file(7, "V0007_usage", PackageResources.V0007_usage_sql),
            file(8, "V0008_terms", PackageResources.V0008_terms_sql),
            file(9, "V0009_limits", PackageResources.V0009_limits_sql),
            file(10, "V0010_subscriptions", PackageResources.V0010_subscriptions_sql),
            file(11, "V0011_operations", PackageResources.V0011_operations_sql),
        ]
    }

    private static func file(_ version: Int64, _ name: String, _ bytes: [UInt8]) -> MigrationFile {
        MigrationFile(
            version: version, name: "\(name).sql", text: String(decoding: bytes, as: UTF8.self))
    }
}
