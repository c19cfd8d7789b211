extension SQL {
    static let reportAge = file("report_age", PackageResources.report_age_sql)
    static let reportDays = file("report_days", PackageResources.report_days_sql)
    static let reportDifferences = file(
        "report_differences", PackageResources.report_differences_sql)
    static let reportGroups = file("report_groups", PackageResources.report_groups_sql)
    static let reportMonths = file("report_months", PackageResources.report_months_sql)
    static let reportRows = file("report_rows", PackageResources.report_rows_sql)
    static let reportShares = file("report_shares", PackageResources.report_shares_sql)
    static let reportTotals = file("report_totals", PackageResources.report_totals_sql)
    static let reportValues = file("report_values", PackageResources.report_values_sql)
}
