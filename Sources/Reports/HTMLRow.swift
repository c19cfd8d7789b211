import Billing
import Metering

/// One clinic in the table of the page.
struct HTMLRow {
    /// What is used of what: `78,045` and `15 % of 500,000`.
    struct Use {
        let used: String
        let limit: String
        let isOver: Bool

        init(_ used: Int64, of limit: Allowance, _ share: Int64?, _ form: (Int64) -> String) {
            self.used = form(used)
            let percent = share.map { "\(HTMLNumbers.percent($0)) " } ?? ""
            switch limit {
            case .limited(let most):
                (self.limit, isOver) = ("\(percent)of \(form(most))", used > most)
            case .unlimited: (self.limit, isOver) = ("no limit", false)
            case .none: (self.limit, isOver) = ("", false)
            }
        }
    }

    let name: String
    let subdomain: String
    let plan: String
    let status: HTMLMark
    let findings: [HTMLMark]
    let users: Use
    let patients: Use
    let calls: Use
    let storage: Use
    let storageExact: String

    init(_ row: ReportRow) {
        name = row.name
        subdomain = row.subdomain ?? row.clinic.description
        plan = row.plan ?? "–"
        status = HTMLMark.standing(row.paymentStatus)
        findings = HTMLMark.findings(row.findings)
        users = Use(row.users, of: row.maxUsers, row.shares.users, HTMLNumbers.grouped)
        patients = Use(
            row.patients, of: row.maxPatients, row.shares.patients, HTMLNumbers.grouped)
        calls = Use(
            row.apiCalls, of: row.apiCallsIncluded, row.shares.apiCalls, HTMLNumbers.grouped)
        storage = Use(
            row.storageUsed, of: row.storageIncluded, row.shares.storage, HTMLNumbers.bytes)
        storageExact =
            "\(HTMLNumbers.grouped(row.storageUsed)) bytes; "
            + "at most \(HTMLNumbers.grouped(row.storagePeak)) in the month"
    }
}
