public import Billing

extension ReportRow: ReportRecord {
    public static let columns: [ReportColumn] = [
        // The month stands in the title of the table, the id in the other forms.
        .text("month", nil), .text("clinic_id", nil), .text("subdomain", "clinic", most: 63),
        .text("name", "name"), .text("plan", "plan"), .text("payment_status", "status"),
        .number("users", "users"), .number("max_users", "max"), .number("patients", "patients"),
        .number("max_patients", "max"), .number("api_calls", "api calls"),
        .number("api_calls_included", "included"), .number("storage_used", "bytes stored"),
        .number("storage_included", "included"), .number("users_percent", nil),
        .number("patients_percent", nil), .number("api_calls_percent", nil),
        .number("storage_percent", nil), .number("storage_peak", nil),
        .number("open_attention", nil), .number("drift", nil),
        .text("findings", "findings", most: 100),
    ]

    public var cells: [ReportCell] {
        [
            .month(month), .clinic(clinic), .subdomain(subdomain, of: clinic), .text(name),
            .text(plan), .text(paymentStatus), .number(users), .allowance(maxUsers),
            .number(patients), .allowance(maxPatients), .number(apiCalls),
            .allowance(apiCallsIncluded), .number(storageUsed), .allowance(storageIncluded),
            .number(shares.users), .number(shares.patients), .number(shares.apiCalls),
            .number(shares.storage), .number(storagePeak), .number(openAttention),
            .number(drift), .text(findings),
        ]
    }
}

extension ReportDifference: ReportRecord {
    public static let columns: [ReportColumn] = [
        .text("month", nil), .text("compared_month", nil), .text("clinic_id", nil),
        .text("subdomain", "clinic", most: 63), .text("name", "name"), .text("plan", "plan"),
        .text("payment_status", "status"), .number("api_calls", "api calls"),
        .number("api_calls_compared", "compared"), .number("api_calls_change", "change"),
        .number("storage_used", "bytes stored"), .number("storage_used_compared", "compared"),
        .number("storage_used_change", "change"),
    ]

    public var cells: [ReportCell] {
        [
            .month(month), .month(compared), .clinic(clinic), .subdomain(subdomain, of: clinic),
            .text(name), .text(plan), .text(paymentStatus), .number(apiCalls.now),
            .number(apiCalls.compared), .number(apiCalls.change), .number(storageUsed.now),
            .number(storageUsed.compared), .number(storageUsed.change),
        ]
    }
}

extension ReportGroup: ReportRecord {
    public static let columns: [ReportColumn] = [
        .text("group", "group"), .number("clinics", "clinics"), .number("users", "users"),
        .number("patients", "patients"), .number("api_calls", "api calls"),
        .number("storage_used", "bytes stored"), .number("storage_peak", "peak"),
        .number("clinics_over", "over"), .number("clinics_past_due", "past due"),
        .number("clinics_drift", "drift"), .number("clinics_attention", "attention"),
    ]

    public var cells: [ReportCell] {
        [
            .text(key), .number(clinics), .number(users), .number(patients), .number(apiCalls),
            .number(storageUsed), .number(storagePeak), .number(findings.overQuota),
            .number(findings.pastDue), .number(findings.drift), .number(findings.attention),
        ]
    }
}

extension ReportMonth: ReportRecord {
    public static let columns: [ReportColumn] = [
        .text("month", "month"), .number("clinics", "clinics"), .number("api_calls", "api calls"),
        .number("storage_used", "bytes stored"),
    ]

    public var cells: [ReportCell] {
        [.month(month), .number(clinics), .number(apiCalls), .number(storageUsed)]
    }
}
