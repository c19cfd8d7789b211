/// What clinics are summed by.
public enum ReportGrouping: String, CaseIterable, Sendable {
    case plan, status, month
}
