public import Billing
public import Metering

/// A row of some report: what each of its columns holds.
public protocol ReportLine: Sendable {
    static var columns: [ReportColumn] { get }
    /// As many as there are columns.
    var cells: [ReportCell] { get }
}

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

/// One value of a row before it takes a form.
public enum ReportCell: Sendable {
    case month(Month)
    case clinic(ClinicID)
    /// The table writes the clinic's id where it has none.
    case subdomain(String?, of: ClinicID)
    /// Text that people typed and that may hold anything.
    case text(String?)
    /// nil where there is none.
    case number(Int64?)
    case allowance(Allowance)
}

/// What a report is about, beside its rows.
public struct ReportHead: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case clinics
        case differences(Month)
        case groups(ReportGrouping)
    }

    public let month: Month
    public let kind: Kind

    public init(month: Month, kind: Kind = .clinics) {
        self.month = month
        self.kind = kind
    }

    /// The columns of its rows.
    public var columns: [ReportColumn] {
        switch kind {
        case .clinics: ReportRow.columns
        case .differences: ReportDifference.columns
        case .groups(.month): ReportMonth.columns
        case .groups: ReportGroup.columns
        }
    }
}
