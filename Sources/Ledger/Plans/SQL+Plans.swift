extension SQL {
    static let overrideEnd = file("override_end", PackageResources.override_end_sql)
    static let overrideInsert = file("override_insert", PackageResources.override_insert_sql)
    static let overrideList = file("override_list", PackageResources.override_list_sql)
    static let overrideReplace = file("override_replace", PackageResources.override_replace_sql)
    static let overridesEndDue = file("overrides_end_due", PackageResources.overrides_end_due_sql)
    static let planByName = file("plan_by_name", PackageResources.plan_by_name_sql)
    static let planChangeApply = file("plan_change_apply", PackageResources.plan_change_apply_sql)
    static let planChangeRequest = file(
        "plan_change_request", PackageResources.plan_change_request_sql)
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
}
