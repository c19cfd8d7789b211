import Billing

/// The columns that a report can be sorted by: those of the statements that read it.
public enum ReportSorting {
    public static let rows = ReportRow.columns.map(\.name).filter {
        $0 != "month" && $0 != "clinic_id"
    }
    public static let differences = ReportDifference.columns.map(\.name).filter {
        !["month", "compared_month", "clinic_id"].contains($0)
    }
    public static let groups = ReportGroup.columns.map(\.name)
}
