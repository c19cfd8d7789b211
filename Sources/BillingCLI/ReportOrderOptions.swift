import ArgumentParser
import Billing
import Reports
import Shell

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
