extension SQL {
    static let monthPartitionsEnsure = file(
        "month_partitions_ensure", PackageResources.month_partitions_ensure_sql)
    static let quarantineUpsert = file("quarantine_upsert", PackageResources.quarantine_upsert_sql)
    static let quotaRefund = file("quota_refund", PackageResources.quota_refund_sql)
    static let quotaReset = file("quota_reset", PackageResources.quota_reset_sql)
    static let quotaResetUndo = file("quota_reset_undo", PackageResources.quota_reset_undo_sql)
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
}
