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
                paymentStatus: .pastDue, limit: .unlimited),
            Self.row(month, id: 3, subdomain: nil, name: "=new", plan: nil, limit: .none),
        ]
    }

    static func row(
        _ month: Month, id: UInt64, subdomain: String?, name: String, plan: String? = "basic",
        paymentStatus: PaymentStatus? = .active, limit: Allowance = .limited(100),
        apiCalls: Int64 = 1_234
    ) -> ReportRow {
        ReportRow(
            month: month, clinic: ClinicID(high: 0, low: id), subdomain: subdomain, name: name,
            plan: plan, paymentStatus: plan == nil ? nil : paymentStatus, users: 3, maxUsers: limit,
            patients: 40, maxPatients: limit, apiCalls: apiCalls, apiCallsIncluded: limit,
            storageUsed: 5_000_000_000, storageIncluded: limit)
    }

    /// The whole report in one form.
    func text(_ format: ReportFormat) -> String { Self.text(format, month, rows, age) }

    static func text(
        _ format: ReportFormat, _ month: Month, _ rows: [ReportRow], _ age: ReportAge
    ) -> String {
        var writer = format.writer()
        var bytes = writer.begin(month: month)
        for row in rows { bytes += writer.row(row) }
        bytes += writer.end(age)
        return String(decoding: bytes, as: UTF8.self)
    }
}
