/// One column of a report. Scripts read its name; never rename one, and add new ones at the end.
public struct ReportColumn: Sendable, Hashable {
    public let name: String
    /// What the table writes above it; nil when the table leaves it out.
    let heading: String?
    let isNumber: Bool
    /// The most columns of a terminal that the table gives it.
    let most: Int

    static func text(_ name: String, _ heading: String?, most: Int = 40) -> ReportColumn {
        ReportColumn(name: name, heading: heading, isNumber: false, most: most)
    }

    static func number(_ name: String, _ heading: String?) -> ReportColumn {
        ReportColumn(name: name, heading: heading, isNumber: true, most: 20)
    }
}
