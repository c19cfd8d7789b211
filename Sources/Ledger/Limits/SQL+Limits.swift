extension SQL {
    static let capacitiesOfClinics = file(
        "capacities_of_clinics", PackageResources.capacities_of_clinics_sql)
    static let limitMode = file("limit_mode", PackageResources.limit_mode_sql)
    static let limitModeSet = file("limit_mode_set", PackageResources.limit_mode_set_sql)
    static let limitsExceeded = file("limits_exceeded", PackageResources.limits_exceeded_sql)
    static let limitsReserved = file("limits_reserved", PackageResources.limits_reserved_sql)
    static let limitsUnlimited = file("limits_unlimited", PackageResources.limits_unlimited_sql)
    static let recountCounters = file("recount_counters", PackageResources.recount_counters_sql)
    static let recountClinics = file("recount_clinics", PackageResources.recount_clinics_sql)
    static let recountDue = file("recount_due", PackageResources.recount_due_sql)
}
