import Billing
import Metering
import Reports
import Testing

/// A small month with a plan, a plan without limits, and a clinic without a subscription.
struct SampleReport {
    let month: Month
    let age: ReportAge
    let rows: [ReportRow]

    init() throws {
        month = try #require(Month("2026-11"))
        age = ReportAge(
            asOf: UTCTime(microseconds: 1_795_428_007_000_000),
            madeAt: try #require(UTCTime(microseconds: 1_795_428_049_000_000)))
        rows = [
            Self.row(month, id: 1, subdomain: "elm-street", name: "Elm Street, \"Dental\""),
            Self.row(
                month, id: 2, subdomain: "oak", name: "齒科", plan: "open",
                paymentStatus: "past_due", limit: .unlimited),
            Self.row(month, id: 3, subdomain: nil, name: "=new", plan: nil, limit: .none),
        ]
    }

    static func row(
        _ month: Month, id: UInt64, subdomain: String?, name: String, plan: String? = "basic",
        paymentStatus: String? = "active", limit: Allowance = .limited(100),
        apiCalls: Int64 = 1_234, findings: String? = nil
    ) -> ReportRow {
        ReportRow(
            month: month, clinic: ClinicID(high: 0, low: id), subdomain: subdomain, name: name,
            plan: plan, paymentStatus: plan == nil ? nil : paymentStatus, users: 3, maxUsers: limit,
            patients: 40, maxPatients: limit, apiCalls: apiCalls, apiCallsIncluded: limit,
            storageUsed: 5_000_000_000, storageIncluded: limit,
            shares: ReportShares(users: limit == .limited(100) ? 3 : nil),
            storagePeak: 5_000_000_001, openAttention: 2, drift: 1, findings: findings)
    }

    /// The whole report in one form.
    func text(_ format: ReportFormat) -> String { Self.text(format, month, rows, age) }

    static func text(
        _ format: ReportFormat, _ month: Month, _ rows: [ReportRow], _ age: ReportAge
    ) -> String {
        text(format, ReportHead(month: month), rows, age)
    }

    static func text(
        _ format: ReportFormat, _ head: ReportHead, _ lines: [any ReportRecord], _ age: ReportAge
    ) -> String {
        var writer = format.writer()
        var bytes: [UInt8] = []
        writer.begin(head, to: &bytes)
        for line in lines { writer.row(line.cells, to: &bytes) }
        writer.end(age, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
