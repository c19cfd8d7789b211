public import Billing
import Metering
import Mustache

/// A report as one page that needs nothing else: no script, no font, no picture from elsewhere.
///
/// Its policy allows the one style sheet it holds, by hash, and nothing more. Charts are drawn from
/// sums, and the table shows the first ``mostRows`` rows, so the page stays small for any number of
/// clinics.
public struct HTMLReport: Sendable {
    /// The most rows shown.
    public static let mostRows = 500

    private let figures: ReportFigures
    private let selection: ReportSelection
    private var rows: [ReportRow] = []

    public init(_ figures: ReportFigures, of selection: ReportSelection) {
        (self.figures, self.selection) = (figures, selection)
    }

    /// Rows beyond the bound are left out, and counted from the figures.
    public mutating func add(_ row: ReportRow) {
        if rows.count < Self.mostRows { rows.append(row) }
    }

    /// - Parameter wanted: How many rows the operator wants; nil for all.
    public func page(_ age: ReportAge, wanted: Int64? = nil) throws -> [UInt8] {
        let document = HTMLDocument(
            figures: figures, selection: selection, rows: rows, age: age, wanted: wanted)
        let library = try HTMLTemplates.library.get()
        guard let text = library.render(document, withTemplate: "page") else { return [] }
        return Array(text.utf8)
    }
}
