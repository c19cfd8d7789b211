public import Billing
import Metering

/// A report as one JSON object, written as the rows come:
///
/// ```
/// {"schema":"billing-report/1","month":"2026-11","rows":[
/// {"month":"2026-11","clinic_id":…},
/// …
/// ],"as_of":"2026-11-23T10:00:07Z"}
/// ```
///
/// A row has the columns of the CSV form as keys. Numbers are integers, unlimited is null, and so
/// is what a clinic without a subscription does not have; `plan` tells these two apart. A report
/// that compares or groups says so between `month` and `rows`.
public struct JSONReport: ReportWriter {
    private var hasRows = false
    private var rows = JSONRowWriter([])

    public init() {}

    public mutating func begin(_ head: ReportHead, to output: inout [UInt8]) {
        rows = JSONRowWriter(head.columns)
        output.append("{\"schema\":\"billing-report/1\",\"month\":\"\(head.month)\",")
        switch head.kind {
        case .clinics: break
        case .differences(let month): output.append("\"compared_month\":\"\(month)\",")
        case .groups(let grouping): output.append("\"group_by\":\"\(grouping.rawValue)\",")
        }
        output.append("\"rows\":[")
    }

    public mutating func row(_ cells: [ReportCell], to output: inout [UInt8]) {
        output.append(hasRows ? ",\n" : "\n")
        hasRows = true
        rows.write(cells, to: &output)
    }

    public mutating func end(_ age: ReportAge, to output: inout [UInt8]) {
        output.append(hasRows ? "\n],\"as_of\":" : "],\"as_of\":")
        rows.write(.text(age.asOf?.rfc3339), to: &output)
        output.append("}\n")
    }
}
