public import Billing

/// Turns a report into bytes, one row at a time, in memory that does not grow with the report.
///
/// Call `begin` once, `row` for each row in order, `end` once, and write out what each appends to
/// `output`.
public protocol ReportWriter: Sendable {
    mutating func begin(_ head: ReportHead, to output: inout [UInt8])
    mutating func row(_ cells: [ReportCell], to output: inout [UInt8])
    mutating func end(_ age: ReportAge, to output: inout [UInt8])
}
