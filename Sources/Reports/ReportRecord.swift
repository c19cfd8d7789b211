/// A row of some report: what each of its columns holds.
public protocol ReportRecord: Sendable {
    static var columns: [ReportColumn] { get }
    /// As many as there are columns.
    var cells: [ReportCell] { get }
}
