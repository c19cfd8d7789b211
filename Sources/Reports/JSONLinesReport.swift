public import Billing

/// A report as lines of JSON: the rows of ``JSONReport``, one object a line, and nothing else.
public struct JSONLinesReport: ReportWriter {
    private var rows = JSONRowWriter([])

    public init() {}

    public mutating func begin(_ head: ReportHead, to output: inout [UInt8]) {
        rows = JSONRowWriter(head.columns)
    }

    public mutating func row(_ cells: [ReportCell], to output: inout [UInt8]) {
        rows.write(cells, to: &output)
        output.append(ascii: "\n")
    }

    public mutating func end(_ age: ReportAge, to output: inout [UInt8]) {}
}
