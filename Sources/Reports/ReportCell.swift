public import Billing
public import Metering

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
