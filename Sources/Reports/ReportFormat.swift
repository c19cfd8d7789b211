/// The forms that rows come in. Raw values are what `--format` takes.
public enum ReportFormat: String, CaseIterable, Sendable {
    /// Aligned columns for a person, at most ``TableReport/mostRows`` rows.
    case table
    /// RFC 4180 with LF line ends, for spreadsheets and scripts.
    case csv
    /// One object, for programs.
    case json
    /// One object a line, for programs that read as it comes.
    case ndjson

    public func writer() -> any ReportWriter {
        switch self {
        case .table: TableReport()
        case .csv: CSVReport()
        case .json: JSONReport()
        case .ndjson: JSONLinesReport()
        }
    }
}
