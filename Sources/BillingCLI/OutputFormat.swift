import ArgumentParser
import Reports

/// What `--format` takes.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
    case table, csv, json, ndjson
    /// One HTML document with charts.
    case html

    /// nil for the page.
    var ofLines: ReportFormat? { ReportFormat(rawValue: rawValue) }
}
