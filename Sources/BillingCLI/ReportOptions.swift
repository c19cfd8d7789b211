import ArgumentParser
import Billing
import Shell
import Reports

/// What `--format` takes.
enum PageFormat: String, CaseIterable, ExpressibleByArgument {
    case table, csv, json, ndjson
    /// One page with charts.
    case html

    /// nil for the page.
    var ofLines: ReportFormat? { ReportFormat(rawValue: rawValue) }
}

/// `--sort`, `--descending` and `--top`.
struct ReportOrderOptions {
    let sort: String?
    let descending: Bool
    let top: Int64?

    /// The column and the direction; `sort` may begin with `-`.
    var asked: ReportOrder {
        guard let sort else { return ReportOrder(top: top) }
        let isTurned = sort.hasPrefix("-")
        return ReportOrder(
            column: isTurned ? String(sort.dropFirst()) : sort,
            isDescending: isTurned || descending, top: top)
    }

    /// Refuses what does not go together, with what does.
    func check(_ command: ReportCommand) throws {
        if command.diff != nil, command.groupBy != nil {
            throw ValidationError("--diff goes without --group-by: it sets clinics side by side")
        }
        if command.format == .html, command.diff != nil || command.groupBy != nil {
            throw ValidationError(
                "--format html goes without --diff and --group-by; its charts sum by plan and month"
            )
        }
        if command.groupBy == .month, sort != nil || top != nil || descending {
            throw ValidationError(
                "--group-by month goes without --sort and --top: months come in their order")
        }
        if descending, sort?.hasPrefix("-") ?? true {
            throw ValidationError("--descending goes with --sort COLUMN, or write --sort -COLUMN")
        }
        try checkColumn(command)
    }

    private func checkColumn(_ command: ReportCommand) throws {
        guard sort != nil else { return }
        let columns =
            if command.diff != nil {
                ReportSorting.differences
            } else if command.groupBy != nil {
                ReportSorting.groups
            } else {
                ReportSorting.rows
            }
        guard columns.contains(asked.column) else {
            throw ValidationError("--sort takes one of: \(columns.joined(separator: ", "))")
        }
    }
}

/// What `--fail-on` watches for. Raw values are its words.
enum ReportAlarm: String, CaseIterable {
    case overQuota = "over-quota"
    case pastDue = "past-due"
    case drift

    static func read(_ text: String) throws -> [ReportAlarm] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { word in
            guard let alarm = ReportAlarm(rawValue: String(word)) else {
                throw ValidationError(
                    "--fail-on takes one or more of over-quota,past-due,drift, with commas")
            }
            return alarm
        }
    }

    private func clinics(_ found: ReportFindings) -> Int64 {
        switch self {
        case .overQuota: found.overQuota
        case .pastDue: found.pastDue
        case .drift: found.drift
        }
    }

    /// Says what was found and ends with 3, or does nothing.
    static func end(_ wanted: [ReportAlarm], _ found: ReportFindings) throws {
        let told = allCases.filter { wanted.contains($0) && $0.clinics(found) > 0 }
        guard !told.isEmpty else { return }
        let list = told.map { "\($0.rawValue) \($0.clinics(found))" }
        Console.note("billing: found, in clinics: \(list.joined(separator: ", "))")
        throw ExitCode(3)
    }
}

/// A plan or a status that no clinic can have: a misspelled word must not give an empty report.
struct UnknownWord: Error, CustomStringConvertible {
    let description: String

    static func refuse(_ words: [String], outside known: [String], option: String) throws {
        let strange = words.first { $0 != ReportSelection.none && !known.contains($0) }
        guard let strange else { return }
        let list = Set(known).sorted().prefix(20).map(Console.shown).joined(separator: ", ")
        throw UnknownWord(
            description: "\(option) \(Console.shown(strange)) is not there; there are "
                + "\(list.isEmpty ? "none" : list), and none for clinics without a subscription")
    }
}
