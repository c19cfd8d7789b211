public import Billing
public import Metering

/// Turns a report into bytes, one row at a time, in memory that does not grow with the report.
///
/// Call `begin` once, `row` for each row in order, `end` once, and write out what each returns.
public protocol ReportWriter: Sendable {
    mutating func begin(month: Month) -> [UInt8]
    mutating func row(_ row: ReportRow) -> [UInt8]
    mutating func end(_ age: ReportAge) -> [UInt8]
}

/// The forms a report comes in. Raw values are what `--format` takes.
public enum ReportFormat: String, CaseIterable, Sendable {
    /// Aligned columns for a person, at most ``TableReport/mostRows`` rows.
    case table
    /// RFC 4180 with LF line ends, for spreadsheets and scripts.
    case csv
    /// One object, for programs.
    case json

    public func writer() -> any ReportWriter {
        switch self {
        case .table: TableReport()
        case .csv: CSVReport()
        case .json: JSONReport()
        }
    }
}

/// The columns of a report by name and in order. Scripts read these names; never rename one.
enum ReportColumn: String, CaseIterable {
    case month
    case clinicID = "clinic_id"
    case subdomain, name, plan
    case paymentStatus = "payment_status"
    case users
    case maxUsers = "max_users"
    case patients
    case maxPatients = "max_patients"
    case apiCalls = "api_calls"
    case apiCallsIncluded = "api_calls_included"
    case storageUsed = "storage_used"
    case storageIncluded = "storage_included"

    /// What a row holds in this column.
    func cell(of row: ReportRow) -> ReportCell {
        switch self {
        case .month: .identifier(row.month.description)
        case .clinicID: .identifier(row.clinic.description)
        case .subdomain: .text(row.subdomain)
        case .name: .text(row.name)
        case .plan: .text(row.plan)
        case .paymentStatus: .text(row.paymentStatus?.rawValue)
        case .users: .number(row.users)
        case .maxUsers: .allowance(row.maxUsers)
        case .patients: .number(row.patients)
        case .maxPatients: .allowance(row.maxPatients)
        case .apiCalls: .number(row.apiCalls)
        case .apiCallsIncluded: .allowance(row.apiCallsIncluded)
        case .storageUsed: .number(row.storageUsed)
        case .storageIncluded: .allowance(row.storageIncluded)
        }
    }
}

/// One value of a row before it takes a form.
enum ReportCell {
    /// Text of ours that needs no quoting in any form.
    case identifier(String)
    /// Text that people typed and that may hold anything.
    case text(String?)
    case number(Int64)
    case allowance(Allowance)
}
