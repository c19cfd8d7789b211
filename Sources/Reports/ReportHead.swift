public import Billing
public import Metering

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
