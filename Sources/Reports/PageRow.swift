import Billing
import Metering

/// One clinic in the table of the page.
struct PageRow {
    /// What is used of what.
    struct Use {
        let used: String
        let limit: String
        let isOver: Bool

        init(_ used: Int64, of limit: Allowance, _ form: (Int64) -> String) {
            self.used = form(used)
            switch limit {
            case .limited(let most): (self.limit, isOver) = (form(most), used > most)
            case .unlimited: (self.limit, isOver) = ("∞", false)
            case .none: (self.limit, isOver) = ("–", false)
            }
        }
    }

    let name: String
    let subdomain: String
    let plan: String
    let status: PageMark
    let findings: [PageMark]
    let users: Use
    let patients: Use
    let calls: Use
    let callsPercent: String
    let storage: Use
    let storageExact: String

    init(_ row: ReportRow) {
        name = row.name
        subdomain = row.subdomain ?? row.clinic.description
        plan = row.plan ?? "–"
        status = PageMark.standing(row.paymentStatus)
        findings = PageMark.findings(row.findings)
        users = Use(row.users, of: row.maxUsers, PageNumbers.grouped)
        patients = Use(row.patients, of: row.maxPatients, PageNumbers.grouped)
        calls = Use(row.apiCalls, of: row.apiCallsIncluded, PageNumbers.grouped)
        callsPercent = row.shares.apiCalls.map { "\(PageNumbers.grouped($0))\u{A0}%" } ?? ""
        storage = Use(row.storageUsed, of: row.storageIncluded, PageNumbers.bytes)
        storageExact =
            "\(PageNumbers.grouped(row.storageUsed)) bytes; "
            + "at most \(PageNumbers.grouped(row.storagePeak)) in the month"
    }
}
