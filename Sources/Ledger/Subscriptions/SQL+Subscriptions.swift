extension SQL {
    static let factRecord = file("fact_record", PackageResources.fact_record_sql)
    static let noticeQueue = file("notice_queue", PackageResources.notice_queue_sql)
    static let outboxDone = file("outbox_done", PackageResources.outbox_done_sql)
    static let outboxOpen = file("outbox_open", PackageResources.outbox_open_sql)
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
}
