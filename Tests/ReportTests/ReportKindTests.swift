import Billing
import Metering
import Reports
import TestSupport
import Testing

@Suite(.timed) struct `Kinds of report` {
    private static let age: ReportAge? = UTCTime(microseconds: 1_795_428_007_000_000).map {
        ReportAge(asOf: $0, madeAt: $0)
    }

    @Test func `ndjson is the rows of json, one object a line`() throws {
        let sample = try SampleReport()
        let lines = sample.text(.ndjson).split(separator: "\n")
        let json = sample.text(.json)
        #expect(lines.count == 3)
        for line in lines { #expect(json.contains(line)) }
        #expect(SampleReport.text(.ndjson, sample.month, [], sample.age).isEmpty)
    }

    @Test func `two months stand side by side`() throws {
        let sample = try SampleReport()
        let october = try #require(sample.month.previous)
        let line = ReportDifference(
            month: sample.month, compared: october, clinic: ClinicID(high: 0, low: 1),
            subdomain: nil, name: "=a", plan: "p", paymentStatus: "active",
            apiCalls: .init(now: 5, compared: 7, change: -2),
            storageUsed: .init(now: 3, compared: 0, change: 3))
        let head = ReportHead(month: sample.month, kind: .differences(october))
        let csv = SampleReport.text(.csv, head, [line], sample.age)
        #expect(
            csv == """
                month,compared_month,clinic_id,subdomain,name,plan,payment_status,api_calls,\
                api_calls_compared,api_calls_change,storage_used,storage_used_compared,\
                storage_used_change
                2026-11,2026-10,00000000-0000-0000-0000-000000000001,,'=a,p,active,5,7,-2,3,0,3

                """)
        let json = SampleReport.text(.json, head, [line], sample.age)
        #expect(
            json.hasPrefix(
                #"{"schema":"billing-report/1","month":"2026-11","compared_month":"2026-10","rows":["#
            ))
        let table = SampleReport.text(.table, head, [line], sample.age)
        #expect(table.hasPrefix("Billing report for 2026-11, compared with 2026-10 (UTC)\n"))
        #expect(table.contains("api calls  compared  change"))
    }

    @Test func `groups have the numbers of their clinics`() throws {
        let sample = try SampleReport()
        let group = ReportGroup(
            key: nil, clinics: 4, users: 3, patients: 2, apiCalls: 1, storageUsed: 9,
            storagePeak: 10,
            findings: ReportFindings(overQuota: 1, pastDue: 2, drift: 3, attention: 4))
        let head = ReportHead(month: sample.month, kind: .groups(.plan))
        #expect(
            SampleReport.text(.csv, head, [group], sample.age) == """
                group,clinics,users,patients,api_calls,storage_used,storage_peak,clinics_over,\
                clinics_past_due,clinics_drift,clinics_attention
                ,4,3,2,1,9,10,1,2,3,4

                """)
        let month = ReportMonth(
            month: sample.month, clinics: 4, apiCalls: -1, storageUsed: 9)
        let months = ReportHead(month: sample.month, kind: .groups(.month))
        #expect(
            SampleReport.text(.ndjson, months, [month], sample.age)
                == #"{"month":"2026-11","clinics":4,"api_calls":-1,"storage_used":9}"# + "\n")
    }

    @Test(arguments: [ReportHead.Kind.clinics, .groups(.plan), .groups(.month), .groups(.status)])
    func `have a name of its own for each column`(kind: ReportHead.Kind) throws {
        let columns = ReportHead(month: try SampleReport().month, kind: kind).columns
        #expect(Set(columns.map(\.name)).count == columns.count)
    }

    @Test func `have a cell for each column`() throws {
        let sample = try SampleReport()
        #expect(sample.rows[0].cells.count == ReportRow.columns.count)
    }
}
