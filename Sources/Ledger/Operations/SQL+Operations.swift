extension SQL {
    static let attentionKinds = file("attention_kinds", PackageResources.attention_kinds_sql)
    static let databaseTime = file("database_time", PackageResources.database_time_sql)
    static let figures = file("figures", PackageResources.figures_sql)
    static let installation = file("installation", PackageResources.installation_sql)
    static let jobLatest = file("job_latest", PackageResources.job_latest_sql)
    static let jobRunInsert = file("job_run_insert", PackageResources.job_run_insert_sql)
    static let notify = file("notify", PackageResources.notify_sql)
    static let outboxWaiting = file("outbox_waiting", PackageResources.outbox_waiting_sql)
    static let quarantineSize = file("quarantine_size", PackageResources.quarantine_size_sql)
    static let redisStampList = file("redis_stamp_list", PackageResources.redis_stamp_list_sql)
    static let redisStampUpsert = file(
        "redis_stamp_upsert", PackageResources.redis_stamp_upsert_sql)
    static let roleMembers = file("role_members", PackageResources.role_members_sql)
    static let roleOfBilling = file("role_of_billing", PackageResources.role_of_billing_sql)
    static let rollupWaiting = file("rollup_waiting", PackageResources.rollup_waiting_sql)
    static let rowSecurityBlind = file(
        "row_security_blind", PackageResources.row_security_blind_sql)
    static let rowSecurityOff = file("row_security_off", PackageResources.row_security_off_sql)
    static let sessionProcess = file("session_process", PackageResources.session_process_sql)
    static let workerHeartbeatDelete = file(
        "worker_heartbeat_delete", PackageResources.worker_heartbeat_delete_sql)
    static let workerHeartbeatUpsert = file(
        "worker_heartbeat_upsert", PackageResources.worker_heartbeat_upsert_sql)
    static let workerLiveCount = file("worker_live_count", PackageResources.worker_live_count_sql)
    static let workerSigns = file("worker_signs", PackageResources.worker_signs_sql)
}
