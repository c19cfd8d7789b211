/// One file of `Migrations/`: a step that a database takes once.
public struct MigrationFile: Hashable, Sendable {
    /// Its place in the order, from 1.
    public let version: Int64
    /// The name of the file, for example `V0008_buckets.sql`.
    public let name: String
    public let text: String

    init(version: Int64, name: String, text: String) {
        self.version = version
        self.name = name
        self.text = text
    }

    /// Runs statement by statement, because it holds one that no transaction block allows. Safe to
    /// repeat after an interruption.
    public var runsOutsideTransaction: Bool { text.hasPrefix("-- outside a transaction\n") }

    /// A query that answers, from the catalog, the statements still to be run with the rights of the
    /// connecting role. It is asked until it answers none, so an interrupted run goes on by itself.
    var answersStatements: Bool { text.hasPrefix(ConnectingRoleStep.firstLine) }

    /// Runs with the rights of the connecting role; every other file runs as `metering_owner`.
    var runsAsConnectingRole: Bool { text.hasPrefix("-- as the connecting role\n") }

    /// The statements of a file that runs outside a transaction, one for each call.
    var statements: [String] { text.split(separator: "\n-- next statement\n").map(String.init) }

    /// All files of this program, in order, for a database without the application's tables.
    public static let all: [MigrationFile] = [
        file(1, "V0001_foundation", PackageResources.V0001_foundation_sql),
        file(2, "V0002_clinic_tables", PackageResources.V0002_clinic_tables_sql),
        file(3, "V0003_subscription_tables", PackageResources.V0003_subscription_tables_sql),
        file(4, "V0004_tenant_indexes", PackageResources.V0004_tenant_indexes_sql),
        file(5, "V0005_patients_index", PackageResources.V0005_patients_index_sql),
        file(6, "V0006_tenant_policies", PackageResources.V0006_tenant_policies_sql),
        file(7, "V0007_tenant_grants", PackageResources.V0007_tenant_grants_sql),
        file(8, "V0008_buckets", PackageResources.V0008_buckets_sql),
        file(9, "V0009_usage_checkpoint", PackageResources.V0009_usage_checkpoint_sql),
        file(10, "V0010_usage_adjustment", PackageResources.V0010_usage_adjustment_sql),
        file(11, "V0011_clinic_config", PackageResources.V0011_clinic_config_sql),
        file(12, "V0012_config_triggers", PackageResources.V0012_config_triggers_sql),
        file(13, "V0013_closed_months", PackageResources.V0013_closed_months_sql),
        file(14, "V0014_operations", PackageResources.V0014_operations_sql),
        file(15, "V0015_usage_change", PackageResources.V0015_usage_change_sql),
        file(16, "V0016_metering_policies", PackageResources.V0016_metering_policies_sql),
        file(17, "V0017_bounded_records", PackageResources.V0017_bounded_records_sql),
        file(18, "V0018_clinic_counter", PackageResources.V0018_clinic_counter_sql),
        file(19, "V0019_limit_triggers", PackageResources.V0019_limit_triggers_sql),
        file(20, "V0020_storage_month", PackageResources.V0020_storage_month_sql),
        file(21, "V0021_attention", PackageResources.V0021_attention_sql),
        file(22, "V0022_seat_reservations", PackageResources.V0022_seat_reservations_sql),
        file(23, "V0023_subscription_facts", PackageResources.V0023_subscription_facts_sql),
        file(24, "V0024_standing", PackageResources.V0024_standing_sql),
        file(25, "V0025_plan_change", PackageResources.V0025_plan_change_sql),
        file(26, "V0026_plan_version", PackageResources.V0026_plan_version_sql),
        file(27, "V0027_clinic_override", PackageResources.V0027_clinic_override_sql),
        file(28, "V0028_notify", PackageResources.V0028_notify_sql),
        file(29, "V0029_usage_daily", PackageResources.V0029_usage_daily_sql),
        file(30, "V0030_installation", PackageResources.V0030_installation_sql),
        file(31, "V0031_shadow", PackageResources.V0031_shadow_sql),
        file(32, "V0032_concurrent", PackageResources.V0032_concurrent_sql),
        file(33, "V0033_key_scope_marks", PackageResources.V0033_key_scope_marks_sql),
        file(34, "V0034_quota_reset", PackageResources.V0034_quota_reset_sql),
        file(35, "V0035_when_away", PackageResources.V0035_when_away_sql),
        file(36, "V0036_failures_contained", PackageResources.V0036_failures_contained_sql),
        file(38, "V0038_rollup_speed", PackageResources.V0038_rollup_speed_sql),
        file(
            39, "V0039_sessions_side_by_side", PackageResources.V0039_sessions_side_by_side_sql),
    ]

    /// The same for a database that has the team's tables: other files for what makes or owns them.
    public static let attaching: [MigrationFile] = all.map { file in
        attachVariants.first { $0.version == file.version } ?? file
    }

    private static let attachVariants: [MigrationFile] = [
        file(2, "V0002_attach_rights", PackageResources.V0002_attach_rights_sql),
        file(3, "V0003_attach_tables", PackageResources.V0003_attach_tables_sql),
        file(4, "V0004_attach_column", PackageResources.V0004_attach_column_sql),
        file(5, "V0005_attach_indexes", PackageResources.V0005_attach_indexes_sql),
        file(6, "V0006_attach_policies", PackageResources.V0006_attach_policies_sql),
        file(7, "V0007_attach_grants", PackageResources.V0007_attach_grants_sql),
    ]

    private static func file(_ version: Int64, _ name: String, _ bytes: [UInt8]) -> MigrationFile {
        MigrationFile(
            version: version, name: "\(name).sql", text: String(decoding: bytes, as: UTF8.self))
    }
}
