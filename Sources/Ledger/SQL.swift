import Postgres

/// Every SQL statement the ledger sends, each from the file of its name in `SQL/`.
enum SQL {
    static let apiKeyExpire = file("api_key_expire", PackageResources.api_key_expire_sql)
    static let apiKeyFind = file("api_key_find", PackageResources.api_key_find_sql)
    static let apiKeyInsert = file("api_key_insert", PackageResources.api_key_insert_sql)
    static let apiKeyList = file("api_key_list", PackageResources.api_key_list_sql)
    static let apiKeyNamed = file("api_key_named", PackageResources.api_key_named_sql)
    static let apiKeyNamedLock = file(
        "api_key_named_lock", PackageResources.api_key_named_lock_sql)
    static let apiKeyRevoke = file("api_key_revoke", PackageResources.api_key_revoke_sql)
    static let apiKeyTouch = file("api_key_touch", PackageResources.api_key_touch_sql)
    static let apiKeyUsable = file("api_key_usable", PackageResources.api_key_usable_sql)
    static let applicationTriggers = file(
        "application_triggers", PackageResources.application_triggers_sql)
    static let attachProblems = file("attach_problems", PackageResources.attach_problems_sql)
    static let attachTables = file("attach_tables", PackageResources.attach_tables_sql)
    static let attachUsage = file("attach_usage", PackageResources.attach_usage_sql)
    static let attentionKinds = file("attention_kinds", PackageResources.attention_kinds_sql)
    static let clinicById = file("clinic_by_id", PackageResources.clinic_by_id_sql)
    static let clinicBySubdomain = file(
        "clinic_by_subdomain", PackageResources.clinic_by_subdomain_sql)
    static let clinicRoom = file("clinic_room", PackageResources.clinic_room_sql)
    static let clinicsActive = file("clinics_active", PackageResources.clinics_active_sql)
    static let clinicsBySubdomain = file(
        "clinics_by_subdomain", PackageResources.clinics_by_subdomain_sql)
    static let clinicsKnown = file("clinics_known", PackageResources.clinics_known_sql)
    static let configChanges = file("config_changes", PackageResources.config_changes_sql)
    static let configHorizon = file("config_horizon", PackageResources.config_horizon_sql)
    static let configVersionRaise = file(
        "config_version_raise", PackageResources.config_version_raise_sql)
    static let databaseTime = file("database_time", PackageResources.database_time_sql)
    static let factRecord = file("fact_record", PackageResources.fact_record_sql)
    static let figures = file("figures", PackageResources.figures_sql)
    static let installation = file("installation", PackageResources.installation_sql)
    static let jobLatest = file("job_latest", PackageResources.job_latest_sql)
    static let jobRunInsert = file("job_run_insert", PackageResources.job_run_insert_sql)
    static let limitMode = file("limit_mode", PackageResources.limit_mode_sql)
    static let limitModeSet = file("limit_mode_set", PackageResources.limit_mode_set_sql)
    static let limitsExceeded = file("limits_exceeded", PackageResources.limits_exceeded_sql)
    static let limitsReserved = file("limits_reserved", PackageResources.limits_reserved_sql)
    static let limitsUnlimited = file("limits_unlimited", PackageResources.limits_unlimited_sql)
    static let migrationApplied = file("migration_applied", PackageResources.migration_applied_sql)
    static let migrationBlockers = file(
        "migration_blockers", PackageResources.migration_blockers_sql)
    static let migrationChecksums = file(
        "migration_checksums", PackageResources.migration_checksums_sql)
    static let migrationFunctionRecord = file(
        "migration_function_record", PackageResources.migration_function_record_sql)
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
    static let migrationSession = file(
        "migration_session", PackageResources.migration_session_sql)
    static let migrationUnlock = file("migration_unlock", PackageResources.migration_unlock_sql)
    static let monthPartitionsEnsure = file(
        "month_partitions_ensure", PackageResources.month_partitions_ensure_sql)
    static let noticeQueue = file("notice_queue", PackageResources.notice_queue_sql)
    static let notify = file("notify", PackageResources.notify_sql)
    static let outboxDone = file("outbox_done", PackageResources.outbox_done_sql)
    static let outboxOpen = file("outbox_open", PackageResources.outbox_open_sql)
    static let outboxWaiting = file("outbox_waiting", PackageResources.outbox_waiting_sql)
    static let overrideEnd = file("override_end", PackageResources.override_end_sql)
    static let overrideInsert = file("override_insert", PackageResources.override_insert_sql)
    static let overrideList = file("override_list", PackageResources.override_list_sql)
    static let overrideReplace = file("override_replace", PackageResources.override_replace_sql)
    static let overridesEndDue = file("overrides_end_due", PackageResources.overrides_end_due_sql)
    static let planByName = file("plan_by_name", PackageResources.plan_by_name_sql)
    static let planChangeApply = file("plan_change_apply", PackageResources.plan_change_apply_sql)
    static let planChangeAsk = file("plan_change_ask", PackageResources.plan_change_ask_sql)
    static let planChangeDefer = file("plan_change_defer", PackageResources.plan_change_defer_sql)
    static let planChangeWaiting = file(
        "plan_change_waiting", PackageResources.plan_change_waiting_sql)
    static let planChangesDue = file("plan_changes_due", PackageResources.plan_changes_due_sql)
    static let planClinics = file("plan_clinics", PackageResources.plan_clinics_sql)
    static let planInsert = file("plan_insert", PackageResources.plan_insert_sql)
    static let planList = file("plan_list", PackageResources.plan_list_sql)
    static let planLock = file("plan_lock", PackageResources.plan_lock_sql)
    static let planNamesLock = file("plan_names_lock", PackageResources.plan_names_lock_sql)
    static let planNewestVersion = file(
        "plan_newest_version", PackageResources.plan_newest_version_sql)
    static let planRefuse = file("plan_refuse", PackageResources.plan_refuse_sql)
    static let planUpdate = file("plan_update", PackageResources.plan_update_sql)
    static let planUse = file("plan_use", PackageResources.plan_use_sql)
    static let planVersions = file("plan_versions", PackageResources.plan_versions_sql)
    static let plansReconsider = file("plans_reconsider", PackageResources.plans_reconsider_sql)
    static let plansRefused = file("plans_refused", PackageResources.plans_refused_sql)
    static let quarantineSize = file("quarantine_size", PackageResources.quarantine_size_sql)
    static let quarantineUpsert = file("quarantine_upsert", PackageResources.quarantine_upsert_sql)
    static let quotaRefund = file("quota_refund", PackageResources.quota_refund_sql)
    static let quotaReset = file("quota_reset", PackageResources.quota_reset_sql)
    static let recountCounters = file(
        "recount_counters", PackageResources.recount_counters_sql)
    static let recountClinics = file("recount_clinics", PackageResources.recount_clinics_sql)
    static let recountDue = file("recount_due", PackageResources.recount_due_sql)
    static let redisStampList = file("redis_stamp_list", PackageResources.redis_stamp_list_sql)
    static let redisStampUpsert = file(
        "redis_stamp_upsert", PackageResources.redis_stamp_upsert_sql)
    static let reportAge = file("report_age", PackageResources.report_age_sql)
    static let reportDays = file("report_days", PackageResources.report_days_sql)
    static let reportDifferences = file(
        "report_differences", PackageResources.report_differences_sql)
    static let reportGroups = file("report_groups", PackageResources.report_groups_sql)
    static let reportMonths = file("report_months", PackageResources.report_months_sql)
    static let reportRows = file("report_rows", PackageResources.report_rows_sql)
    static let reportShares = file("report_shares", PackageResources.report_shares_sql)
    static let reportTotals = file("report_totals", PackageResources.report_totals_sql)
    static let reportWords = file("report_words", PackageResources.report_words_sql)
    static let rlsBlindRoles = file("rls_blind_roles", PackageResources.rls_blind_roles_sql)
    static let rlsEnable = file("rls_enable", PackageResources.rls_enable_sql)
    static let rlsForce = file("rls_force", PackageResources.rls_force_sql)
    static let rlsUnready = file("rls_unready", PackageResources.rls_unready_sql)
    static let roleMembers = file("role_members", PackageResources.role_members_sql)
    static let rolePrivileges = file("role_privileges", PackageResources.role_privileges_sql)
    static let rollupBucketLock = file(
        "rollup_bucket_lock", PackageResources.rollup_bucket_lock_sql)
    static let rollupBucketPreview = file(
        "rollup_bucket_preview", PackageResources.rollup_bucket_preview_sql)
    static let rollupBucketWrite = file(
        "rollup_bucket_write", PackageResources.rollup_bucket_write_sql)
    static let rollupBuckets = file("rollup_buckets", PackageResources.rollup_buckets_sql)
    static let rollupByIndex = file("rollup_by_index", PackageResources.rollup_by_index_sql)
    static let rollupDueMonths = file("rollup_due_months", PackageResources.rollup_due_months_sql)
    static let rollupMonthInsert = file(
        "rollup_month_insert", PackageResources.rollup_month_insert_sql)
    static let rollupTakeOver = file("rollup_take_over", PackageResources.rollup_take_over_sql)
    static let rollupWaiting = file("rollup_waiting", PackageResources.rollup_waiting_sql)
    static let rowSecurityBlind = file(
        "row_security_blind", PackageResources.row_security_blind_sql)
    static let rowSecurityOff = file("row_security_off", PackageResources.row_security_off_sql)
    static let schemaState = file("schema_state", PackageResources.schema_state_sql)
    static let schemaVersion = file("schema_version", PackageResources.schema_version_sql)
    static let sessionProcess = file("session_process", PackageResources.session_process_sql)
    static let standingAdopt = file("standing_adopt", PackageResources.standing_adopt_sql)
    static let standingApply = file("standing_apply", PackageResources.standing_apply_sql)
    static let standingDefer = file("standing_defer", PackageResources.standing_defer_sql)
    static let standingDue = file("standing_due", PackageResources.standing_due_sql)
    static let standingEvents = file("standing_events", PackageResources.standing_events_sql)
    static let standingFacts = file("standing_facts", PackageResources.standing_facts_sql)
    static let standingLock = file("standing_lock", PackageResources.standing_lock_sql)
    static let standingRow = file("standing_row", PackageResources.standing_row_sql)
    static let standingStatusesUnknown = file(
        "standing_statuses_unknown", PackageResources.standing_statuses_unknown_sql)
    static let subscriptionWrite = file(
        "subscription_write", PackageResources.subscription_write_sql)
    static let termsOfClinics = file("terms_of_clinics", PackageResources.terms_of_clinics_sql)
    static let usageAdjustmentInsert = file(
        "usage_adjustment_insert", PackageResources.usage_adjustment_insert_sql)
    static let usageCheckpointConfirmed = file(
        "usage_checkpoint_confirmed", PackageResources.usage_checkpoint_confirmed_sql)
    static let usageCheckpointHeld = file(
        "usage_checkpoint_held", PackageResources.usage_checkpoint_held_sql)
    static let usageCheckpointUpsert = file(
        "usage_checkpoint_upsert", PackageResources.usage_checkpoint_upsert_sql)
    static let usageMonthClaim = file("usage_month_claim", PackageResources.usage_month_claim_sql)
    static let usageGiveBack = file("usage_give_back", PackageResources.usage_give_back_sql)
    static let usageMonthHold = file("usage_month_hold", PackageResources.usage_month_hold_sql)
    static let usageMonthInsert = file(
        "usage_month_insert", PackageResources.usage_month_insert_sql)
    static let usageMonthShare = file("usage_month_share", PackageResources.usage_month_share_sql)
    static let usageRewrite = file("usage_rewrite", PackageResources.usage_rewrite_sql)
    static let workerHeartbeatDelete = file(
        "worker_heartbeat_delete", PackageResources.worker_heartbeat_delete_sql)
    static let workerHeartbeatUpsert = file(
        "worker_heartbeat_upsert", PackageResources.worker_heartbeat_upsert_sql)
    static let workerLiveCount = file("worker_live_count", PackageResources.worker_live_count_sql)
    static let workerSigns = file("worker_signs", PackageResources.worker_signs_sql)

    /// All of them, for the test that prepares each against a migrated database.
    static let all: [Statement] = [
        apiKeyExpire, apiKeyFind, apiKeyInsert, apiKeyList, apiKeyNamed, apiKeyNamedLock,
        apiKeyRevoke, apiKeyTouch, apiKeyUsable, applicationTriggers, attachProblems, attachTables,
        attachUsage, attentionKinds, clinicById, clinicBySubdomain, clinicRoom, clinicsActive,
        clinicsBySubdomain, clinicsKnown, configChanges, configHorizon, configVersionRaise,
        databaseTime, factRecord, figures, installation, jobLatest, jobRunInsert, limitMode,
        limitModeSet, limitsExceeded, limitsReserved, limitsUnlimited, migrationApplied,
        migrationBlockers, migrationChecksums, migrationFunctionRecord, migrationFunctions,
        migrationLock, migrationLockTimeout, migrationRecord, migrationRoleLocal,
        migrationRoleRights, migrationSession, migrationUnlock, monthPartitionsEnsure, noticeQueue,
        notify, outboxDone, outboxOpen, outboxWaiting, overrideEnd, overrideInsert, overrideList,
        overrideReplace, overridesEndDue, planByName, planChangeApply, planChangeAsk,
        planChangeDefer, planChangesDue, planChangeWaiting, planClinics, planInsert, planList,
        planLock, planNamesLock, planNewestVersion, planRefuse, plansReconsider, plansRefused,
        planUpdate, planUse, planVersions, quarantineSize, quarantineUpsert, quotaRefund,
        quotaReset, recountCounters, recountClinics, recountDue, redisStampList, redisStampUpsert,
        reportAge, reportDays, reportDifferences, reportGroups, reportMonths, reportRows,
        reportShares, reportTotals, reportWords, rlsBlindRoles, rlsEnable, rlsForce, rlsUnready,
        roleMembers, rolePrivileges, rollupBucketLock, rollupBucketPreview, rollupBuckets,
        rollupBucketWrite, rollupByIndex, rollupDueMonths, rollupMonthInsert, rollupTakeOver,
        rollupWaiting, rowSecurityBlind, rowSecurityOff, schemaState, schemaVersion, sessionProcess,
        standingAdopt, standingApply, standingDefer, standingDue, standingEvents, standingFacts,
        standingLock, standingRow, standingStatusesUnknown, subscriptionWrite, termsOfClinics,
        usageAdjustmentInsert, usageCheckpointConfirmed, usageCheckpointHeld, usageCheckpointUpsert,
        usageGiveBack, usageMonthClaim, usageMonthHold, usageMonthInsert, usageMonthShare,
        usageRewrite, workerHeartbeatDelete, workerHeartbeatUpsert, workerLiveCount, workerSigns,
    ]

    private static func file(_ name: String, _ bytes: [UInt8]) -> Statement {
        Statement(name: name, text: String(decoding: bytes, as: UTF8.self))
    }
}
