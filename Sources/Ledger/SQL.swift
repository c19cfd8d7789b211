import Postgres

/// Every SQL statement the ledger sends, each from the file of its name below `SQL/`. Each facet
/// names its own in an extension; the statements of the schema are here.
enum SQL {
    static let attachProblems = file("attach_problems", PackageResources.attach_problems_sql)
    static let attachTables = file("attach_tables", PackageResources.attach_tables_sql)
    static let attachUsage = file("attach_usage", PackageResources.attach_usage_sql)
    static let migrationApplied = file("migration_applied", PackageResources.migration_applied_sql)
    static let migrationBlockers = file(
        "migration_blockers", PackageResources.migration_blockers_sql)
    static let migrationCatalogSettings = file(
        "migration_catalog_settings", PackageResources.migration_catalog_settings_sql)
    static let migrationChecksums = file(
        "migration_checksums", PackageResources.migration_checksums_sql)
    static let migrationFunctionForms = file(
        "migration_function_forms", PackageResources.migration_function_forms_sql)
    static let migrationFunctionOwners = file(
        "migration_function_owners", PackageResources.migration_function_owners_sql)
    static let migrationFunctionRecord = file(
        "migration_function_record", PackageResources.migration_function_record_sql)
    static let migrationFunctionRevokes = file(
        "migration_function_revokes", PackageResources.migration_function_revokes_sql)
    static let migrationFunctionObstacles = file(
        "migration_function_obstacles", PackageResources.migration_function_obstacles_sql)
    static let migrationFunctions = file(
        "migration_functions", PackageResources.migration_functions_sql)
    static let migrationLock = file("migration_lock", PackageResources.migration_lock_sql)
    static let migrationLockTimeout = file(
        "migration_lock_timeout", PackageResources.migration_lock_timeout_sql)
    static let migrationRecord = file("migration_record", PackageResources.migration_record_sql)
    static let migrationRoleLocal = file(
        "migration_role_local", PackageResources.migration_role_local_sql)
    static let migrationRoleRights = file(
        "migration_role_rights", PackageResources.migration_role_rights_sql)
    static let migrationSession = file("migration_session", PackageResources.migration_session_sql)
    static let migrationUnlock = file("migration_unlock", PackageResources.migration_unlock_sql)
    static let partitionWritten = file("partition_written", PackageResources.partition_written_sql)
    static let rlsBlindRoles = file("rls_blind_roles", PackageResources.rls_blind_roles_sql)
    static let rlsEnable = file("rls_enable", PackageResources.rls_enable_sql)
    static let rlsForce = file("rls_force", PackageResources.rls_force_sql)
    static let rlsUnready = file("rls_unready", PackageResources.rls_unready_sql)
    static let rolePrivileges = file("role_privileges", PackageResources.role_privileges_sql)
    static let schemaState = file("schema_state", PackageResources.schema_state_sql)
    static let schemaUnfinished = file("schema_unfinished", PackageResources.schema_unfinished_sql)
    static let schemaVersion = file("schema_version", PackageResources.schema_version_sql)
    static let triggerDifferences = file(
        "trigger_differences", PackageResources.trigger_differences_sql)
    static let triggerGroupTakeOver = file(
        "trigger_group_take_over", PackageResources.trigger_group_take_over_sql)
    static let triggerGroups = file("trigger_groups", PackageResources.trigger_groups_sql)
    static let triggerHandlers = file("trigger_handlers", PackageResources.trigger_handlers_sql)
    static let usageRewrite = file("usage_rewrite", PackageResources.usage_rewrite_sql)

    static func file(_ name: String, _ bytes: [UInt8]) -> PostgresStatement {
        PostgresStatement(name: name, text: String(decoding: bytes, as: UTF8.self))
    }
}
